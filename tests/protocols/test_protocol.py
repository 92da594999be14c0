"""Protocols: label maps, counts, guards, and every shipped config against a corpus made to its own
measure.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra.utils import instantiate

from mmser.core.configs import config_names, load_config
from mmser.core.errors import MmserError
from mmser.core.tables import ASSIGNMENT_COLUMNS
from mmser.core.utterance import Utterance
from mmser.corpora import emodb, savee
from mmser.corpora.manifest import to_table
from mmser.protocols.own_partition import OwnPartition
from mmser.protocols.protocol import EvaluationProtocol
from mmser.protocols.random_folds import RandomFolds
from mmser.protocols.speaker_folds import LeaveOneSpeakerOut

NAMES = config_names("protocol")


def load(name: str, **changes: Any) -> EvaluationProtocol:
    return instantiate(load_config("protocol", name) | changes)


def corpus(emotions: list[str], speakers: int = 4, name: str = "c") -> pd.DataFrame:
    """Each speaker says every emotion once."""
    rows = [
        Utterance(
            id=f"s{s}-{place}",
            corpus=name,
            speaker=f"s{s}",
            session=str(s // 2),
            emotion=emotion or None,
            part=("train", "validation", "test", "")[s],
            valence=float(place),
        )
        for s in range(speakers)
        for place, emotion in enumerate(emotions)
    ]
    return to_table(rows)


def simple(**changes: Any) -> EvaluationProtocol:
    arguments = {
        "name": "p",
        "corpus": "c",
        "folds": LeaveOneSpeakerOut(),
        "classes": ("happy", "sad"),
    } | changes
    return EvaluationProtocol(**arguments)


def test_labels_map_words_and_leave_out_the_rest() -> None:
    table = corpus(["hap", "exc", "sad", "fea", ""])
    assignment = simple(labels={"hap": "happy", "exc": "happy", "sad": "sad"}).assign(table)
    assert tuple(assignment.columns) == ASSIGNMENT_COLUMNS
    first = assignment[assignment["fold"] == "s0"].set_index("id")
    assert len(first) == 12
    assert first.loc[["s1-0", "s1-1", "s1-2"], "label"].tolist() == ["happy", "happy", "sad"]
    assert set(first.loc[["s0-0", "s0-1", "s0-2"], "part"]) == {"test"}


def test_without_classes_the_manifest_has_them() -> None:
    table = corpus(["b", "a", ""])
    protocol = simple(classes=()).resolve(table)
    assert tuple(protocol.classes) == ("a", "b")
    assert set(protocol.assign(table)["label"]) == {"a", "b"}


def test_bins_put_their_edge_into_the_lower_class() -> None:
    table = corpus(["x"] * 6)  # valence 0 to 5
    protocol = simple(classes=("low", "mid", "high"), label_column="valence", bins=(1, 3))
    labels = protocol.participants(table).set_index("id")["label"]
    assert labels[[f"s0-{n}" for n in range(6)]].tolist() == [
        "low",
        "low",
        "mid",
        "mid",
        "high",
        "high",
    ]
    table.loc[table["id"] == "s0-0", "valence"] = None
    assert "s0-0" not in set(protocol.participants(table)["id"])


def test_the_edges_of_arousal_on_msp_podcast() -> None:
    table = corpus(["x"] * 4, speakers=1, name="msp_podcast").assign(arousal=[3.0, 3.01, 5.0, 5.01])
    labels = load("msp_podcast_arousal3", counts={}, where={}).participants(table)["label"]
    assert labels.tolist() == ["low", "mid", "mid", "high"]


@pytest.mark.parametrize(
    ("name", "emotions"), [("daae4_emodb", emodb.EMOTIONS), ("daae4_savee", savee.EMOTIONS)]
)
def test_the_quadrants_of_daae_cover_every_emotion_and_no_other(
    name: str, emotions: dict[str, str]
) -> None:
    protocol = load(name, counts={})
    assert set(protocol.labels) == set(emotions.values()) and len(protocol.labels) == 7
    assert (
        set(protocol.labels.values())
        == {"angry", "happy", "neutral", "sad"}
        == set(protocol.classes)
    )
    with pytest.raises(MmserError, match="utterances labelled"):
        protocol.participants(corpus(["bliss"], name=protocol.corpus))


def test_values_alone_need_no_label() -> None:
    table = corpus(["", ""])
    table.loc[0, "valence"] = None
    assignment = simple(classes=(), values=("valence",)).assign(table)
    assert assignment["label"].isna().all()
    assert table.loc[0, "id"] not in set(assignment["id"])


def test_where_keeps_a_part_of_the_corpus() -> None:
    table = corpus(["happy", "sad"]).assign(scenario=["improvised", "scripted"] * 4)
    assert set(simple(where={"scenario": ["improvised"]}).participants(table)["label"]) == {"happy"}
    with pytest.raises(MmserError, match="no column scenario"):
        simple(where={"scenario": ["improvised"]}).participants(corpus(["happy"]))


def test_a_label_list_replaces_the_corpus(tmp_path: Path) -> None:
    table = corpus(["happy", "sad"])
    path = tmp_path / "list.csv"
    path.write_text("id,label\ns0-0,sad\ns1-0,sad\ns2-0,happy\n")
    labels = simple(label_file=path).participants(table).set_index("id")["label"]
    assert labels.to_dict() == {"s0-0": "sad", "s1-0": "sad", "s2-0": "happy"}
    with pytest.raises(MmserError, match=r"protocol.label_file"):
        simple(label_file=tmp_path / "none.csv").participants(table)


def test_a_label_list_with_faults(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,label\ns0-0,sad\ns0-0,happy\n")
    with pytest.raises(MmserError, match=r"every id once in .*list.csv; found s0-0"):
        simple(label_file=path).participants(corpus(["happy"]))
    path.write_text("id,label\ns0-0,Sad,\ns1-0,sad,\n")
    with pytest.raises(MmserError, match="'Sad' \\(1 utterances\\), 'sad' \\(1 utterances\\)"):
        simple(label_file=path).participants(corpus(["happy"]))


@pytest.mark.parametrize(
    "changes", [{}, {"classes": ()}, {"labels": {"happy": "happy", "sad": "sad"}}]
)
def test_words_that_differ_in_spelling_alone_stop_with_their_list(changes: dict[str, Any]) -> None:
    table = corpus(["happy", "Happy", "sad"])
    with pytest.raises(
        MmserError,
        match=r"column emotion; found 'Happy' \(4 utterances\), 'happy' \(4 utterances\)",
    ):
        simple(**changes).participants(table)


def test_a_word_in_the_protocols_other_spelling_is_no_silent_absence() -> None:
    with pytest.raises(MmserError, match=r"'Sad' \(4 utterances\), 'sad' \(the protocol's\)"):
        simple().participants(corpus(["happy", "Sad"]))
    both = simple(labels={"happy": "happy", "Sad": "sad", "sad": "sad"})
    assert len(both.participants(corpus(["happy", "Sad"]))) == 8


def test_one_class_is_no_task() -> None:
    with pytest.raises(
        MmserError, match="at least two classes in the train split of fold s0; found happy"
    ):
        simple().assign(corpus(["happy"]))


def test_a_table_without_labels_names_its_filled_columns() -> None:
    table = corpus([""]).assign(emotoin="happy")
    with pytest.raises(MmserError, match=r"no label; the columns with values are id, .*emotoin"):
        simple().participants(table)


def test_numbers_that_are_none_and_bins_that_do_not_fit() -> None:
    table = corpus(["happy", "sad"]).assign(liking=["0.5", "much"] * 4)
    with pytest.raises(
        MmserError, match="numbers in the column liking of the manifest; found 'much'"
    ):
        simple(classes=(), values=("liking",)).participants(table)
    with pytest.raises(MmserError, match="one class more than bins"):
        simple(label_column="valence", bins=(1.0, 2.0)).participants(table)
    with pytest.raises(MmserError, match="numbers in the column emotion"):
        simple(label_column="emotion", bins=(1.0,)).participants(table)


def test_whole_speakers_less_are_said_and_stop_nothing() -> None:
    table = corpus(["happy", "sad"])
    counts = {"each_speaker": 2, "speakers": 6}
    assert simple(counts=counts).check(table) == ["4 speakers, not 6 (s0, s1, s2, s3)"]
    assert simple(counts=counts | {"speakers": 4}).check(table) == []
    with pytest.raises(MmserError, match="4 speakers, not 3"):
        simple(counts=counts | {"speakers": 3}).check(table)
    with pytest.raises(MmserError, match="speaker s0: 1, not 2"):
        simple(counts=counts).check(table.iloc[1:])


def test_the_assignment_does_not_depend_on_row_order() -> None:
    table = corpus(["happy", "sad"] * 10)
    for folds in (LeaveOneSpeakerOut(), RandomFolds(5), OwnPartition()):
        protocol = simple(folds=folds)
        shuffled = table.sample(frac=1, random_state=3)
        pd.testing.assert_frame_equal(protocol.assign(table), protocol.assign(shuffled))


def test_a_mismatch_stops_with_the_utterances_unless_allowed() -> None:
    table = corpus(["happy", "sad"])
    protocol = simple(counts={"total": 9}, ids=("{speaker}-{0..1}", "s9-0"))
    with pytest.raises(MmserError, match=r"1 missing: s9-0.*allow_incomplete=true"):
        protocol.check(table)
    assert simple(counts={"total": 9}, allow_incomplete=True).check(table) == [
        "8 utterances, not 9"
    ]
    assert simple(counts={"total": 8}).check(table) == []


def test_another_corpus_is_refused_and_generic_takes_all() -> None:
    with pytest.raises(MmserError, match=r"the corpus c for protocol p; found a manifest of other"):
        simple().assign(corpus(["happy"], name="other"))
    assert len(simple(corpus="generic").participants(corpus(["happy"], name="other"))) == 4
    with pytest.raises(MmserError, match="the labels joy"):
        simple().assign(corpus(["joy"]))


def test_a_plan_that_promises_other_speakers_is_held_to_it() -> None:
    table = corpus(["happy", "sad"]).assign(speaker="same")
    with pytest.raises(MmserError, match="share no speaker; found same"):
        simple(folds=OwnPartition(speaker_dependent=False)).assign(table)


@pytest.mark.parametrize("name", NAMES)
def test_every_config(name: str) -> None:
    protocol = load(name)
    assert protocol.name == name
    assert protocol.title
    assert protocol.corpus in config_names("corpus")
    assert set(protocol.labels.values()) <= set(protocol.classes)
    assert set(protocol.value_range) == set(protocol.values)
    if "random" in name:
        assert protocol.speaker_dependent
    tables = [value for value in protocol.counts.values() if isinstance(value, dict)]
    total = protocol.counts.get("total")
    assert all(total in (None, sum(table.values())) for table in tables)
    assert protocol.allow_incomplete is False


def test_each_corpus_has_one_default() -> None:
    defaults = [
        load_config("protocol", name)["corpus"]
        for name in NAMES
        if load_config("protocol", name).get("default")
    ]
    assert sorted(defaults) == sorted(config_names("corpus"))


def iemocap() -> pd.DataFrame:
    """A manifest with the release's class, session and dialogue counts, and nothing else of it."""
    protocol = load_config("protocol", "iemocap4_loso5")
    dialogues = protocol["counts"]["dialogue"]
    words = ["ang"] * 1103 + ["exc"] * 1041 + ["hap"] * 595 + ["neu"] * 1708 + ["sad"] * 1084
    return to_table(_iemocap(dialogues, iter(words)))


def _iemocap(dialogues: dict[str, int], words: Iterator[str]) -> Iterator[Utterance]:
    for dialogue, count in dialogues.items():
        for turn in range(count):
            gender = "FM"[turn % 2]
            yield Utterance(
                id=f"{dialogue}_{gender}{turn // 2:03d}",
                corpus="iemocap",
                speaker=f"{dialogue[3:5]}{gender}",
                session=dialogue[4],
                dialogue=dialogue,
                turn=turn,
                emotion=next(words),
            )


def test_iemocap_with_the_right_numbers_passes_and_one_less_is_named() -> None:
    table = iemocap()
    protocol = load("iemocap4_loso5")
    assert len(table) == 5531
    assert protocol.check(table) == []
    sizes = protocol.assign(table).query("part == 'test'").groupby("fold").size()
    assert sizes.tolist() == [1085, 1023, 1151, 1031, 1241]
    with pytest.raises(
        MmserError, match=r"5530 utterances, not 5531.*dialogue Ses01F_impro01: 7, not 8"
    ):
        protocol.check(table.iloc[1:])
    assert len(load("iemocap4_loso5", allow_incomplete=True).check(table.iloc[1:])) == 4


def test_iemocap_by_speaker_holds_out_both_voices_of_the_session() -> None:
    table = iemocap()
    assignment = load("iemocap4_speaker10", counts={}).assign(table).merge(table[["id", "speaker"]])
    assert assignment["fold"].nunique() == 10
    fold = assignment[assignment["fold"] == "03M"].groupby("part")["speaker"].unique()
    assert (list(fold["test"]), list(fold["validation"])) == (["03M"], ["03F"])
    assert len(fold["train"]) == 8


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("module", "folder", "name", "total", "folds"),
    [
        ("ravdess.Ravdess", "ravdess", "ravdess8_speaker24", 720, 12),
        ("ravdess.Ravdess", "ravdess", "ravdess8_group4", 720, 4),
        ("ravdess.Ravdess", "ravdess", "metaser4_ravdess", 336, 12),
        ("emodb.Emodb", "emodb_2s", "emodb7_speaker10", 535, 10),
        ("emodb.Emodb", "emodb_4class", "emodb4_speaker10", 339, 10),
        ("emodb.Emodb", "emodb_2s", "emodb7_across_genders", 535, 2),
        ("emovo.Emovo", "emovo", "emovo7_speaker6", 588, 6),
        ("emovo.Emovo", "emovo", "metaser4_emovo_random", 336, 1),
        ("meld.Meld", "meld", "meld7", 13708, 1),
        ("meld.Meld", "meld", "meld3", 13708, 1),
    ],
)
def test_real_recordings_are_complete(
    module: str, folder: str, name: str, total: int, folds: int
) -> None:
    if "MMSER_DATA" not in os.environ:
        pytest.skip("MMSER_DATA is not set")
    source = instantiate(
        {
            "_target_": f"mmser.corpora.{module}",
            "root": str(Path(os.environ["MMSER_DATA"]) / folder),
        }
    )
    table = to_table(source.utterances())
    protocol = load(name)
    half = ["12 speakers, not 24"] if folder == "ravdess" else []
    assert [line.partition(" (")[0] for line in protocol.check(table)] == half
    assignment = protocol.assign(table)
    assert assignment["id"].nunique() == total
    assert assignment["fold"].nunique() == folds
    lost = assignment["id"].iloc[-1]
    with pytest.raises(MmserError, match=f"1 missing: {lost}"):
        protocol.check(table[table["id"] != lost])
