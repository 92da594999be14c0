"""What a fold asks of a model: classes and values to predict, and facts of its training split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from mmser.core.errors import MmserError
from mmser.core.target_sets.classes import ClassTargets
from mmser.core.target_sets.target_set import TargetSet
from mmser.core.target_sets.values import ValueTargets

KINDS: tuple[type[TargetSet], ...] = (ClassTargets, ValueTargets)
"""The kinds of target sets, in the order of a predictions table's columns."""


@dataclass(frozen=True, slots=True)
class Task:
    """The label space of a protocol, and facts of its training fold.

    ``classes`` are names in index order (empty for a purely dimensional task), ``values`` names
    such as ("valence", "arousal", "dominance"). ``class_counts`` counts the training fold, in class
    order. ``speakers``, ``corpora`` and ``genders`` are the training fold's, in index order, for
    objectives that need them. ``listeners`` are the annotators with single votes in the training
    fold; ``listener_counts`` holds, for each of them, how often they chose each class, and last how
    often an emotion outside the classes.
    """

    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    speakers: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    genders: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()
    listener_counts: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def asking(cls, names: Mapping[str, Sequence[str]]) -> Self:
        """The task that asks for ``names`` by kind (see `names_by_kind`), no training split yet."""
        return cls(
            classes=tuple(map(str, names.get("classes", ()))),
            values=tuple(map(str, names.get("values", ()))),
        )

    @property
    def names_by_kind(self) -> dict[str, tuple[str, ...]]:
        """What is asked for, under the names that protocols and model folders have for it."""
        return {"classes": self.classes, "values": self.values}

    @property
    def target_sets(self) -> tuple[TargetSet, ...]:
        """What is asked of every utterance, each set with how it is predicted and scored."""
        names = self.names_by_kind
        return tuple(kind(names[kind.kind]) for kind in KINDS if names[kind.kind])

    @property
    def manifest_columns(self) -> tuple[str, ...]:
        """Numeric columns of the manifest that hold targets."""
        columns: list[str] = []
        for target_set in self.target_sets:
            columns += target_set.manifest_columns
        return tuple(columns)

    def output_size(self, output: str) -> int:
        """How many numbers a head gives in this field of `Outputs`, such as "logits"; 0 for none.

        Raises MmserError for a task that asks for nothing at all.
        """
        if not self.target_sets:
            raise MmserError(
                "a task with classes or values",
                "neither",
                "Choose a protocol that names what to predict.",
            )
        answering = [targets for targets in self.target_sets if targets.output == output]
        return sum(len(targets.names) for targets in answering)

    def listener_groups(self, min_labels: int) -> tuple[int, ...]:
        """The group of each listener, and last that of an unknown one.

        An annotator with at least ``min_labels`` labels is a group of their own, numbered in order;
        all others share the last group.
        """
        own_group = [sum(labels) >= min_labels for labels in self.listener_counts]
        shared = sum(own_group)
        numbers = iter(range(shared))
        return (*(next(numbers) if own else shared for own in own_group), shared)
