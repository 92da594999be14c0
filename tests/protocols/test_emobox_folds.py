"""EmoBox's folds: the released lists, groups of speakers, and a fifth of the training to validate."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from hydra.utils import instantiate
from makers.people import people, speakers_of

from mmser.core.configs import load_config
from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError
from mmser.corpora.manifest import to_table
from mmser.protocols.emobox_folds import LISTS, HeldOutGroups, ListedTests
from mmser.protocols.protocol import EvaluationProtocol
from mmser.runs.shared_speakers import SharedSpeakers, count_shared

TESTED = {
    "emobox_crema_d": 1856,
    "emobox_emodb": 535,
    "emobox_enterface05": 312,
    "emobox_shemo": 707,
    "emobox_tess": 700,
    "emobox_urdu": 100,
}
"""Utterances over all folds, as EmoBox's lists have them."""
SHARED = {
    "emobox_crema_d": (r"(\d{4})_", 91, 91),
    "emobox_emodb": (r"(\d\d)", 10, 10),
    "emobox_shemo": (r"(...)", 83, 83),
    "emobox_enterface05": (r"s(\d\d)", 43, 43),
    "emobox_tess": (r"(...)_", 2, 2),
    "emobox_urdu": (r"([^_]+)_", 18, 19),
}
"""How an id names its speaker; shared and tested speakers where the rest of the corpus trains."""


def test_every_list_tests_each_utterance_once() -> None:
    assert {path.stem for path in LISTS.glob("*.csv")} == set(TESTED)
    for name, tested in TESTED.items():
        listed = read_csv_file(LISTS / f"{name}.csv")
        assert listed["id"].is_unique
        assert (listed["fold"] != "0").sum() == tested


@pytest.mark.parametrize("name", ["emobox_shemo", "emobox_enterface05", "emobox_urdu"])
def test_a_whole_list_leaves_out_what_it_does_not_name(name: str) -> None:
    listed = read_csv_file(LISTS / f"{name}.csv")
    ids = [*listed["id"], "stranger"]
    table = pd.DataFrame({"id": sorted(ids)}).assign(label="x", speaker="s")
    (fold,) = ListedTests(name)(table)
    assert "stranger" not in {*fold.train, *fold.validation, *fold.test}
    assert len(fold.test) == TESTED[name]
    assert len(fold.train) + len(fold.validation) + len(fold.test) == len(listed)


def test_a_list_without_the_rest_takes_what_is_there_and_refuses_a_smaller_corpus() -> None:
    listed = read_csv_file(LISTS / "emobox_tess.csv")
    table = pd.DataFrame({"id": sorted([*listed["id"], *(f"more{n}" for n in range(350))])})
    table = table.assign(label="x", speaker="s")
    (fold,) = ListedTests("emobox_tess")(table)
    assert set(fold.test) == set(listed["id"])
    assert len(fold.validation) == 70 and len(fold.train) == 280
    with pytest.raises(
        MmserError, match=r"all 700 utterances of the list .* 1 missing: OAF_bar_fear"
    ):
        list(ListedTests("emobox_tess")(table[table["id"] != "OAF_bar_fear"]))


@pytest.mark.parametrize("name", SHARED)
def test_the_lists_share_speakers_as_their_protocols_say(name: str) -> None:
    pattern, shared, tested = SHARED[name]
    listed = read_csv_file(LISTS / f"{name}.csv").assign(label="x")
    rows = listed.assign(part=["train" if fold == "0" else "test" for fold in listed["fold"]])
    if "train" not in set(rows["part"]):  # every speaker says more than what is tested
        others = rows.assign(id=rows["id"] + "-again", part="train")
        rows = pd.concat([rows, others])
    rows = rows.assign(fold="1")
    speakers = [re.match(pattern, identity)[1] for identity in rows["id"]]  # type: ignore[index]
    assert count_shared(rows, rows.assign(corpus="c", speaker=speakers)) == SharedSpeakers(
        shared, tested
    )
    assert "speaker-dependent" in load_config("protocol", name)["title"]


def test_held_out_groups_share_no_test_speaker_and_validate_on_a_fifth() -> None:
    table = people(6, 10)
    folds = list(HeldOutGroups()(table))
    assert [fold.name for fold in folds] == sorted(table["speaker"].unique())
    for fold in folds:
        assert speakers_of(table, fold.test) == {fold.name}
        assert speakers_of(table, fold.validation) | speakers_of(table, fold.train) == set(
            table["speaker"]
        ) - {fold.name}
        assert len(fold.validation) == 10
        assert sorted([*fold.train, *fold.validation, *fold.test]) == sorted(table["id"])
    fixed = HeldOutGroups(fixed={"one": ["s00", "s01"], "none": ["s99"], "two": ["s02"]})
    assert [(fold.name, len(fold.test)) for fold in fixed(table)] == [("one", 20), ("two", 10)]
    with pytest.raises(MmserError, match="at least 2 groups of the column speaker; found 1"):
        list(HeldOutGroups(fixed={"one": ["s00"]})(table))


def test_the_guard_lets_validation_share_with_training_and_never_with_the_test() -> None:
    table = people(6, 10).assign(corpus="c", emotion=["happy", "sad"] * 30)
    arguments = {"name": "p", "corpus": "c", "classes": ("happy", "sad")}
    protocol = EvaluationProtocol(folds=HeldOutGroups(), **arguments)  # type: ignore[arg-type]
    assert len(protocol.assign(table)) == 6 * 60
    mixed = HeldOutGroups("id", {"a": list(table["id"][:5]), "b": list(table["id"][5:15])})
    with pytest.raises(MmserError, match="train and test of fold a to share no speaker"):
        EvaluationProtocol(folds=mixed, **arguments).assign(table)  # type: ignore[arg-type]


def test_the_six_groups_of_ravdess_are_one_partition_of_24_actors() -> None:
    for name in ("emobox_ravdess", "ravdess8_group6"):
        groups = load_config("protocol", name)["folds"]["fixed"]
        assert all(len(group) == 4 for group in groups.values())
        actors = sorted(actor for group in groups.values() for actor in group)
        assert actors == [f"{actor:02d}" for actor in range(1, 25)]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("module", "folder", "name", "sizes", "shared"),
    [
        ("emodb.Emodb", "emodb_2s", "emobox_emodb", [107] * 5, SharedSpeakers(10, 10)),
        ("emovo.Emovo", "emovo", "emobox_emovo", [98] * 6, SharedSpeakers(0, 6)),
        (
            "ravdess.Ravdess",
            "ravdess",
            "emobox_ravdess",
            [120, 180, 120, 180, 60, 60],
            SharedSpeakers(0, 12),
        ),
    ],
)
def test_real_corpora_are_cut_as_emobox_cuts_them(
    module: str, folder: str, name: str, sizes: list[int], shared: SharedSpeakers
) -> None:
    if "MMSER_DATA" not in os.environ:
        pytest.skip("MMSER_DATA is not set")
    root = str(Path(os.environ["MMSER_DATA"]) / folder)
    source = instantiate({"_target_": f"mmser.corpora.{module}", "root": root})
    table = to_table(source.utterances())
    protocol = instantiate(load_config("protocol", name))
    protocol.check(table)
    assignment = protocol.assign(table)
    assert assignment.query("part == 'test'").groupby("fold").size().tolist() == sizes
    assert count_shared(assignment, table) == shared
