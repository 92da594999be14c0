"""Who heard what: several labels of one annotator, unknown listeners, groups by
number of labels.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest

from mmser.core.task import Task
from mmser.data.listeners import count_listeners, listener_targets
from mmser.data.splits import make_task

CLASSES = ("angry", "happy")
LABELS = {"ang": "angry", "hap": "happy", "exc": "happy"}


def table(*rows: dict[str, list[str]]) -> pd.DataFrame:
    votes = [
        json.dumps([{"annotator": who, "emotions": named} for who, named in row.items()])
        for row in rows
    ]
    return pd.DataFrame({"corpus": "c", "votes": votes})


TRAINING = table(
    {"E1": ["ang"], "E2": ["hap"]}, {"E1": ["hap", "ang"], "E2": []}, {"E2": ["fru", "exc"]}
)


def test_of_several_labels_the_listeners_most_frequent_counts_then_the_first() -> None:
    counts = count_listeners(TRAINING, CLASSES, LABELS)
    # E1 says angry more often; E2 says happy twice and frustrated once.
    assert counts == {"c/E1": (2, 0, 0), "c/E2": (0, 2, 0)}
    tied = table({"E3": ["fru", "exc"]})
    assert count_listeners(tied, CLASSES, LABELS) == {"c/E3": (0, 0, 1)}


def test_targets_name_listener_and_label_and_pad() -> None:
    task = Task(CLASSES, listeners=("c/E1", "c/E2"), listener_counts=((2, 0, 0), (0, 2, 0)))
    found = listener_targets(
        table({"E2": ["sur"], "E9": ["hap"]}, {"E1": ["hap", "ang"]}, {}), task, LABELS
    )
    assert found["listener"].tolist() == [[1, 2], [0, -100], [-100, -100]]
    assert found["listener_emotion"].tolist() == [[2, 1], [0, -100], [-100, -100]]
    assert found["listener"].dtype == "int64"


def test_missing_votes_leave_the_task_without_listeners() -> None:
    rows = pd.DataFrame(
        {"corpus": ["c"], "speaker": ["s"], "label": ["angry"], "emotion": ["ang"], "votes": [None]}
    )
    assert make_task(rows, Task(classes=CLASSES)).listeners == ()
    voted = rows.assign(votes=table({"E1": ["ang"]})["votes"])
    task = make_task(voted, Task(classes=CLASSES))
    assert task.listeners == ("c/E1",) and task.listener_counts == ((1, 0, 0),)


@pytest.mark.parametrize(("labels", "group"), [(99, 1), (100, 0)])
def test_a_hundred_labels_make_a_listener_of_their_own(labels: int, group: int) -> None:
    task = Task(CLASSES, listeners=("a", "b"), listener_counts=((labels, 0, 0), (60, 40, 20)))
    assert task.listener_groups(100) == ((1, 0, 1) if labels == 99 else (0, 1, 2))
    assert task.listener_groups(100)[0] == group
