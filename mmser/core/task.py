"""What a fold asks of a model: classes and values to predict, and facts of its training part alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """The label space of a protocol plus what may be known from the training fold.

    ``classes`` are names in index order (empty for a purely dimensional task), ``values`` names such as
    ("valence", "arousal", "dominance"). ``class_counts`` counts the training fold, in class order.
    ``speakers``, ``corpora`` and ``genders`` are the training fold's, in index order, for objectives that need them.
    """

    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    speakers: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    genders: tuple[str, ...] = ()
