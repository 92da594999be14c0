"""The table of metrics: the one list that every room asks.

Validation, ``trainer.monitor``, `mmser score`, comparisons, reports, model cards and late fusion
take names, titles, meanings, units and directions from here. To add a metric, write its function
and its row in the file of its sums (`classification`, `calibration` or `regression`).
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from mmser.core.task import KINDS
from mmser.metrics.calibration import CALIBRATION
from mmser.metrics.classification import CLASSIFICATION
from mmser.metrics.metric import Better, Metric
from mmser.metrics.regression import REGRESSION

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*CLASSIFICATION, *CALIBRATION, *REGRESSION)
}
"""Every metric by its name, in the order of print."""

MONITORS = tuple(metric.name for metric in METRICS.values() if not metric.sums.needs_probabilities)
"""The scores of each check of the validation set, one of which may select the weights."""

UNDEFINED = "\N{EN DASH}"
"""Stands in print where a score is undefined."""


def metric_of(name: str) -> Metric | None:
    """The metric of a column or row named ``name``: "ccc_valence" is of "ccc".

    None for a name that is not in the table, such as one out of a file of another version.
    """
    if name in METRICS:
        return METRICS[name]
    # A value may itself contain an underscore: the longest fitting name is meant.
    fitting = [metric for metric in METRICS if name.startswith(metric + "_")]
    return METRICS[max(fitting, key=len)] if fitting else None


def published_metric(name: str) -> Metric | None:
    """The metric that a published figure calls ``name``, by title or by a name used elsewhere."""
    spelling = name.strip().lower()
    for metric in METRICS.values():
        names = (metric.name, metric.title, *metric.elsewhere)
        if spelling in (each.lower() for each in names):
            return metric
    return None


def title(name: str) -> str:
    """Printed name: "ccc_valence" -> "CCC valence"."""
    metric = metric_of(name)
    if metric is None:
        return name
    value = name.removeprefix(metric.name).removeprefix("_")
    return f"{metric.title} {value}".strip()


def meaning(name: str) -> str:
    """What the metric measures; "ccc_valence" has the meaning of "ccc"."""
    metric = metric_of(name)
    return metric.meaning if metric else "not a metric of this version of mmser"


def notes(names: Iterable[str]) -> list[str]:
    """The remarks on these metrics, each once."""
    metrics = [metric_of(name) for name in names]
    remarks = [metric.note for metric in metrics if metric and metric.note]
    return list(dict.fromkeys(remarks))


def is_share(name: str) -> bool:
    """Whether the metric is a share, which is printed in percent."""
    metric = metric_of(name)
    return metric is not None and metric.unit == "percent"


def shown(name: str, value: float) -> str:
    """The number as printed: percent with one digit for shares, three digits for the rest."""
    if pd.isna(value):
        return UNDEFINED
    return f"{100 * value:.1f}" if is_share(name) else f"{value:.3f}"


def in_order(names: Iterable[str]) -> list[str]:
    """Metrics as overviews list them: by kind of target, and of each kind the main metric first.

    Names of one metric, such as those of several values, stay in the order given; unknown names
    come last.
    """
    return sorted(names, key=_place)


def leading(names: Iterable[str]) -> list[str]:
    """Those of the first kind of target that ``names`` has, in the order of overviews."""
    ordered = in_order(names)
    return [name for name in ordered if _kind_place(name) == _kind_place(ordered[0])]


def _place(name: str) -> tuple[int, bool, int]:
    metric = metric_of(name)
    if metric is None:
        return _kind_place(name), False, len(METRICS)
    main_metrics = [kind.main_metric for kind in KINDS]
    return _kind_place(name), metric.name not in main_metrics, list(METRICS).index(metric.name)


def _kind_place(name: str) -> int:
    metric = metric_of(name)
    kinds = [kind.kind for kind in KINDS]
    return kinds.index(metric.sums.kind) if metric else len(kinds)


def is_headline(name: str) -> bool:
    """Whether the metric stands in every overview."""
    metric = metric_of(name)
    return metric is not None and metric.headline


def is_on_card(name: str) -> bool:
    """Whether the metric stands on the model card."""
    metric = metric_of(name)
    return metric is not None and (metric.headline or metric.on_card)


def better(monitor: str) -> Better:
    """Which way a validation score or loss improves; ``last`` counts steps, so that it grows."""
    metric = metric_of(monitor)
    if metric is not None:
        return metric.better
    return "min" if monitor == "loss" or monitor.endswith("_loss") else "max"
