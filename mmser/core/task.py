"""What a fold asks of a model: classes and values to predict, and facts of its
training part alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """The label space of a protocol plus what may be known from the training fold.

    ``classes`` are names in index order (empty for a purely dimensional task), ``values`` names
    such as ("valence", "arousal", "dominance"). ``class_counts`` counts the training fold, in class
    order. ``speakers``, ``corpora`` and ``genders`` are the training fold's, in index order, for
    objectives that need them. ``listeners`` are the annotators whose single votes the training fold
    knows; ``listener_counts`` holds, for each, how often they chose each class, and last how often
    an emotion outside the classes.
    """

    classes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    speakers: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    genders: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()
    listener_counts: tuple[tuple[int, ...], ...] = ()

    def listener_groups(self, min_labels: int) -> tuple[int, ...]:
        """The group of each listener, and last that of an unknown one.

        Who gave at least ``min_labels`` labels is a group of their own, numbered in order; all
        others share the last.
        """
        heard = [sum(counts) >= min_labels for counts in self.listener_counts]
        own = iter(range(sum(heard)))
        return (*(next(own) if enough else sum(heard) for enough in heard), sum(heard))
