"""Facts of a fold from tables that may lack optional columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.data.splits import fold_rows, make_facts, make_task, vote_labels


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    manifest = pd.DataFrame(
        {"id": ["a", "b", "c"], "corpus": ["x", "x", "y"], "speaker": ["1", "2", "1"]}
    )
    assignment = pd.DataFrame(
        {
            "id": ["c", "a", "b", "a"],
            "fold": ["0", "0", "0", "1"],
            "part": ["train", "test", "train", "train"],
        }
    )
    return manifest, assignment.assign(label=["h", "h", None, "h"])


def test_rows_follow_the_assignment():
    rows = fold_rows(*tables(), "0")
    assert list(rows["id"]) == ["c", "a", "b"] and list(rows["part"]) == ["train", "test", "train"]


def test_the_barest_manifest_is_enough():
    rows = fold_rows(*tables(), "0")
    task = make_task(rows[rows["part"] == "train"], Task(classes=("h",)))
    assert task == Task(("h",), (), (1,), ("x/2", "y/1"), ("x", "y"), ())
    facts = make_facts(rows, task, {})
    assert facts["train"].ids == ("c", "b") and facts["train"].labels == ("h", None)
    assert facts["test"].targets["emotion"].tolist() == [0]
    # Speaker 1 of one corpus is not speaker 1 of the other, and utterances outside dialogues are
    # dialogues.
    assert len({*facts["train"].speaker.tolist(), *facts["test"].speaker.tolist()}) == 3
    assert len({*facts["train"].dialogue.tolist(), *facts["test"].dialogue.tolist()}) == 3
    assert np.isnan(facts["train"].duration).all() and facts["train"].turn.tolist() == [0, 0]
    assert facts["validation"].ids == ()


def test_dialogues_of_one_name_in_two_sessions_are_two():
    manifest, assignment = tables()
    manifest = manifest.assign(corpus="x", session=["1", "1", "2"], dialogue="d")
    facts = make_facts(fold_rows(manifest, assignment, "0"), Task(("h",)), {})
    number = dict(
        zip(
            [*facts["train"].ids, *facts["test"].ids],
            [*facts["train"].dialogue, *facts["test"].dialogue],
            strict=True,
        )
    )
    assert number["a"] == number["b"] != number["c"]


def test_vote_words_are_mapped_as_the_consensus_is():
    rows = pd.DataFrame(
        {"emotion": ["ang", "exc", "hap", None, "fru"], "label": ["A", "H", "H", None, None]}
    )
    assert vote_labels(rows, ("A", "H")) == {"ang": "A", "exc": "H", "hap": "H"}


def test_a_table_without_labels_is_refused():
    manifest, assignment = tables()
    with pytest.raises(
        MmserError, match="a fold assignment with the columns id, fold, part, label"
    ):
        fold_rows(manifest, assignment.drop(columns="label"), "0")
