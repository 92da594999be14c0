"""What each score means, in words, because published work does not agree on the names."""

from __future__ import annotations

import pandas as pd

from mmser.evaluation.scoring.score import MEAN, POOLED
from mmser.metrics.bootstrap import LEVEL
from mmser.metrics.calibration import BINS

PERCENT = ("wa", "ua", "wf1", "macro_f1", "weighted_precision", "macro_precision")
TITLES = {
    "wa": "WA",
    "ua": "UA",
    "wf1": "WF1",
    "macro_f1": "macro F1",
    "weighted_precision": "weighted precision",
    "macro_precision": "macro precision",
    "ece": "ECE",
    "brier": "Brier",
    "ccc": "CCC",
    "pearson": "Pearson",
    "rmse": "RMSE",
}
MEANINGS = {
    "wa": "overall accuracy: right / all, so that every class counts by its size",
    "ua": "mean of the class recalls over the classes that have a target, so that every class "
    "counts the same "
    "(unweighted average recall, balanced accuracy)",
    "wf1": "F1 of each class, averaged by class size",
    "macro_f1": "F1 of each class, plain mean over the classes that have a target",
    "weighted_precision": "precision of each class, averaged by class size; some published code "
    "calls this accuracy",
    "macro_precision": "precision of each class, plain mean over the classes that have a target; "
    "some published code "
    "prints this as unweighted accuracy",
    "ece": f"expected calibration error of the most probable class, {BINS} equal bins; 0 is best",
    "brier": "squared distance of the probabilities to the truth, summed over classes: 0 is "
    "best, 2 worst",
    "ccc": "Lin's concordance over all utterances together, variances with N",
    "pearson": "Pearson's correlation over all utterances together",
    "rmse": "root mean square error, in the unit of the target",
}
WEIGHTED = (
    'Two meanings of "weighted accuracy": (1) overall accuracy, where large classes weigh more: '
    "WA here; "
    "(2) utterances weighted by 1 / class size, which is the mean class recall: UA here. "
    "Some publications exchange the two names."
)


def title(metric: str) -> str:
    """Printed name: "ccc_valence" -> "CCC valence"."""
    for name in sorted(TITLES, key=len, reverse=True):
        if metric == name or metric.startswith(name + "_"):
            return f"{TITLES[name]} {metric[len(name) + 1 :]}".strip()
    return metric


def meaning(metric: str) -> str:
    """What the metric is; "ccc_valence" has the meaning of "ccc"."""
    return MEANINGS.get(metric) or MEANINGS.get(metric.split("_")[0], "")


def shown(metric: str, value: float) -> str:
    """The number as printed: percent with one digit for accuracies and F1, three digits for the
    rest.
    """
    if pd.isna(value):
        # An en dash is what stands for "undefined" in print.
        return "–"
    return f"{100 * value:.1f}" if metric in PERCENT else f"{value:.3f}"


def scores_text(scores: pd.DataFrame) -> str:
    """The score table for a terminal: pooled value with interval, mean over folds, and what every
    name means.
    """
    lines = []
    for (run, condition), part in scores.groupby(["run", "condition"], sort=False):
        pooled = part[part["scope"] == POOLED]
        means = part[part["scope"] == MEAN].set_index("metric")
        first = pooled.iloc[0]
        clusters = f"{int(first['clusters'])} {first['cluster']}s"
        lines.append(
            f"{run or 'table'} ({condition}): {int(first['utterances'])} utterances, {clusters}"
        )
        interval = f"{LEVEL:.0%} interval"
        lines.append(
            f"  {'':<20}{'pooled':>8}  {interval:<18}{'mean over folds':>15}  std folds  std seeds"
        )
        for row in pooled.to_dict("records"):
            mean, metric = means.loc[row["metric"]], row["metric"]
            interval = f"[{shown(metric, row['low'])}, {shown(metric, row['high'])}]"
            spread = "".join(
                f"{shown(metric, mean[column]):>11}" for column in ("std_folds", "std_seeds")
            )
            value, average = shown(metric, row["value"]), shown(metric, mean["value"])
            lines.append(f"  {title(metric):<20}{value:>8}  {interval:<18}{average:>15}{spread}")
    names = scores["metric"].unique()
    lines += ["", *(f"{title(name)}: {meaning(name)}." for name in names)]
    if "wa" in names:
        lines.append(WEIGHTED)
    return "\n".join(lines)
