"""The groups of annotators that a task knows."""

from __future__ import annotations

from mmser.core.task import Task


def test_annotators_with_few_labels_and_unknown_ones_share_the_last_group() -> None:
    task = Task(listeners=("a", "b", "c"), listener_counts=((3, 1), (1, 0), (2, 2)))
    assert task.listener_groups(4) == (0, 2, 1, 2)


def test_without_annotators_there_is_the_unknown_one_alone() -> None:
    assert Task().listener_groups(1) == (0,)
