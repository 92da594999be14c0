"""Labels, votes, values and indices."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from mmser.core.task import Task
from mmser.data.targets import build_targets, vote_shares

CLASSES = ("angry", "happy")
LABELS = {"ang": "angry", "hap": "happy", "exc": "happy"}


def votes(*annotators: list[str]) -> str:
    return json.dumps(
        [{"annotator": str(i), "emotions": emotions} for i, emotions in enumerate(annotators)]
    )


def test_each_annotator_has_one_vote():
    shares = vote_shares([votes(["ang"], ["hap", "exc"], ["exc", "fru"])], CLASSES, LABELS)
    assert np.allclose(shares, [[1.0 / 2.5, 1.5 / 2.5]])


def test_rows_without_a_vote_for_a_class_are_nan():
    shares = vote_shares(
        [None, float("nan"), "", votes(["fru"]), votes([]), votes(["angry"])], CLASSES, LABELS
    )
    assert np.isnan(shares[:5]).all() and shares[5].tolist() == [1.0, 0.0]
    assert shares.dtype == np.float32


def test_all_targets_of_a_table():
    rows = pd.DataFrame(
        {
            "id": ["a", "b"],
            "corpus": ["one", "two"],
            "speaker": ["s", "s"],
            "gender": ["F", None],
            "label": ["happy", None],
            "valence": [None, 2.5],
            "votes": [votes(["hap"]), None],
        }
    )
    task = Task(CLASSES, ("valence", "dominance"), (1, 1), ("one/s",), ("one", "two"), ("F",))
    targets = build_targets(rows, task, LABELS)
    assert targets["emotion"].tolist() == [1, -100]
    assert np.array_equal(targets["values"], [[np.nan, np.nan], [2.5, np.nan]], equal_nan=True)
    assert targets["speaker"].tolist() == [0, -100]
    assert targets["gender"].tolist() == [0, -100] and targets["corpus"].tolist() == [0, 1]
    assert {name: array.dtype.name for name, array in targets.items()} == {
        "emotion": "int64",
        "votes": "float32",
        "values": "float32",
        "speaker": "int64",
        "gender": "int64",
        "corpus": "int64",
    }


def test_a_dimensional_task_has_no_emotion():
    rows = pd.DataFrame(
        {"id": ["a"], "corpus": ["c"], "speaker": ["s"], "label": [None], "valence": [1.0]}
    )
    targets = build_targets(rows, Task(values=("valence",)), {})
    assert set(targets) == {"values", "speaker", "gender", "corpus"}
