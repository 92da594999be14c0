"""One gender trains, the other is half heard and half tested; labels of the heard
half stay away.
"""

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.protocols.across_genders import AcrossGenders
from mmser.protocols.guard import check_fold
from mmser.protocols.plan import Fold
from mmser.protocols.protocol import EvaluationProtocol


def people(speakers=6, each=5):
    rows = [
        (f"{s}{u}", f"s{s}", "FM"[s % 2], ("glad", "sad")[u % 2])
        for s in range(speakers)
        for u in range(each)
    ]
    table = pd.DataFrame(rows, columns=["id", "speaker", "gender", "emotion"])
    return table.assign(corpus="small", session="", part="", label=table["emotion"]).sort_values(
        "id"
    )


def genders(table, ids):
    return set(table.set_index("id").loc[list(ids), "gender"])


def test_each_gender_is_tested_once_and_nobody_twice():
    table = people()
    folds = list(AcrossGenders(seed=2)(table))
    assert [fold.name for fold in folds] == ["F_to_M", "M_to_F"]
    for fold, source, target in zip(folds, "FM", "MF", strict=True):
        assert genders(table, [*fold.train, *fold.validation]) == {source}
        assert genders(table, [*fold.test, *fold.unlabelled]) == {target}
        everyone = [*fold.train, *fold.validation, *fold.test, *fold.unlabelled]
        assert sorted(everyone) == sorted(table["id"])
        speaker = table.set_index("id")["speaker"]
        assert speaker[list(fold.validation)].nunique() == 1
        assert not set(speaker[list(fold.validation)]) & set(speaker[list(fold.train)])
        assert speaker[list(fold.unlabelled)].value_counts().tolist() == [2, 2, 2]
    assert folds == list(AcrossGenders(seed=2)(table))
    assert [fold.unlabelled for fold in folds] != [
        fold.unlabelled for fold in AcrossGenders(seed=3)(table)
    ]


def test_the_labels_do_not_decide_who_is_heard():
    table = people()
    other = table.assign(label=table["label"].map({"glad": "sad", "sad": "glad"}))
    assert [f.unlabelled for f in AcrossGenders()(table)] == [
        f.unlabelled for f in AcrossGenders()(other)
    ]


def test_what_is_heard_trains_without_a_label():
    table = people()
    protocol = EvaluationProtocol("p", "small", AcrossGenders(), classes=("glad", "sad"))
    assignment = protocol.assign(table)
    fold = assignment[assignment["fold"] == "F_to_M"].merge(table[["id", "gender"]])
    training = fold[fold["part"] == "train"]
    assert training.loc[training["gender"] == "F", "label"].notna().all()
    assert training.loc[training["gender"] == "M", "label"].isna().all()
    assert len(training) == 10 + 6 and fold.loc[fold["part"] == "test", "label"].notna().all()
    assert protocol.speaker_dependent
    nobody = EvaluationProtocol(
        "p", "small", AcrossGenders(heard=0.0), classes=("glad", "sad")
    ).assign(table)
    assert nobody["label"].notna().all()


def test_an_utterance_that_is_heard_is_not_tested():
    fold = Fold("f", ("a",), ("b",), ("c", "d"), ("d",))
    with pytest.raises(MmserError, match="train and test of fold f to share no utterance; found d"):
        check_fold(fold, dict.fromkeys("abcd", "s"), True, "p")


def test_what_cannot_be_divided_is_told():
    with pytest.raises(MmserError, match="speakers of two genders; found F"):
        list(AcrossGenders()(people().query("gender == 'F'")))
    with pytest.raises(MmserError, match="more than 3 speakers of gender F; found 3"):
        list(AcrossGenders(validation_speakers=3)(people()))
    with pytest.raises(MmserError, match="heard from 0 to below 1; found 1"):
        AcrossGenders(heard=1)
