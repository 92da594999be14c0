"""What a metric is: a function of sums over utterances, and everything that is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mmser.core.target_sets.target_set import Answers

Unit = Literal["percent", "score", "target"]
"""``percent``: a share, printed times 100; ``score``: a plain number; ``target``: the unit of the
labels, such as points of a valence scale.
"""

Better = Literal["min", "max"]
"""Which way the metric improves, in Lightning's words."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What some metrics need to know of the utterances: numbers of each, summed over all.

    ``kind`` names the kind of targets (`mmser.core.target_sets`). ``entries`` turns answers into an
    array (utterance, *shape). With ``needs_probabilities`` answers without probabilities have none.
    """

    kind: str
    entries: Callable[[Answers], np.ndarray]
    needs_probabilities: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table of metrics (`mmser.metrics.table`).

    ``name`` stands in score tables, configs (``trainer.monitor``) and commands; a metric of a
    single value is followed by it ("ccc_valence"). ``function`` maps summed entries (..., *shape)
    of ``sums`` to scores (...), NaN where undefined. ``meaning`` is what it measures, in one clause
    without a full stop.

    ``headline`` metrics stand in every overview; ``on_card`` ones on the model card as well.
    ``elsewhere`` are names that published work uses for it, ``hub`` is its name in the model hub's
    list of metrics, and ``note`` is a remark that is printed wherever the metric is explained.
    """

    name: str
    function: Callable[[np.ndarray], np.ndarray]
    title: str
    meaning: str
    unit: Unit
    better: Better
    sums: Sums
    headline: bool = False
    on_card: bool = False
    elsewhere: tuple[str, ...] = ()
    hub: str = ""
    note: str = ""
