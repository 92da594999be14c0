"""A predictions table -> the metrics it allows, in families that share their sums.

Sums are what can be resampled and grouped: one call of a metric scores every draw of a bootstrap,
every fold or every speaker at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmser.core.target_sets.target_set import Scored, TargetSet
from mmser.metrics.metric import Metric, Sums
from mmser.metrics.predictions import target_sets_of
from mmser.metrics.table import METRICS


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Metrics that share their sums: ``entries`` (row, *shape) of the labelled ``rows``.

    ``metrics`` are named as in a score table ("ccc_valence").
    """

    rows: pd.DataFrame
    entries: np.ndarray
    metrics: dict[str, Callable[[np.ndarray], np.ndarray]]

    def scores(self) -> dict[str, float]:
        """Every metric over all rows."""
        sums = self.entries.sum(axis=0, dtype=np.float64)
        return {name: float(metric(sums)) for name, metric in self.metrics.items()}


def families_of(table: pd.DataFrame) -> list[Family]:
    """The metrics that a checked predictions table of one condition allows."""
    families = []
    for target_set in target_sets_of(table):
        for scored in target_set.scored(table):
            families += _families(target_set, scored)
    return families


def answer_scores(
    target_set: TargetSet, target: np.ndarray, answer: np.ndarray
) -> dict[str, float]:
    """Every metric of a model's numbers that needs no probabilities, by its name.

    ``target`` and ``answer`` are as in a batch: (utterance,) or (utterance, name). A metric of
    several values comes once for each ("ccc_valence") and once as their mean ("ccc"). What has too
    few labelled utterances has no score.
    """
    scores: dict[str, float] = {}
    by_metric: dict[str, list[float]] = {}
    for value, answers in target_set.paired(target, answer).items():
        if len(answers.target) < target_set.fewest_rows:
            continue
        for sums, metrics in _by_sums(target_set.kind, with_probabilities=False).items():
            total = sums.entries(answers).sum(axis=0, dtype=np.float64)
            for metric in metrics:
                score = float(metric.function(total))
                scores[_name(metric, value)] = score
                by_metric.setdefault(metric.name, []).append(score)
    means = {name: float(np.mean(each)) for name, each in by_metric.items()}
    return {**scores, **means}


def _families(target_set: TargetSet, scored: Scored) -> list[Family]:
    families = []
    probable = scored.answers.probabilities is not None
    for sums, metrics in _by_sums(target_set.kind, with_probabilities=probable).items():
        named = {_name(metric, scored.value): metric.function for metric in metrics}
        families.append(Family(scored.rows, sums.entries(scored.answers), named))
    return families


def _by_sums(kind: str, with_probabilities: bool) -> dict[Sums, list[Metric]]:
    """The metrics of a kind of targets by the sums they share, in the table's order."""
    by_sums: dict[Sums, list[Metric]] = {}
    for metric in METRICS.values():
        possible = with_probabilities or not metric.sums.needs_probabilities
        if metric.sums.kind == kind and possible:
            by_sums.setdefault(metric.sums, []).append(metric)
    return by_sums


def _name(metric: Metric, value: str) -> str:
    return f"{metric.name}_{value}" if value else metric.name
