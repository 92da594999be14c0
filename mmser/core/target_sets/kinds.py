"""The kinds of target sets, in the order of a predictions table's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmser.core.target_sets.classes import ClassTargets
from mmser.core.target_sets.target_set import TargetSet
from mmser.core.target_sets.values import ValueTargets

if TYPE_CHECKING:
    import pandas as pd

KINDS: tuple[type[TargetSet], ...] = (ClassTargets, ValueTargets)


def target_sets_of(table: pd.DataFrame, name: str = "the table") -> tuple[TargetSet, ...]:
    """The target sets whose columns a predictions table has."""
    sets = [kind.in_table(table, name) for kind in KINDS]
    return tuple(each for each in sets if each is not None)
