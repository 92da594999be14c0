"""The score table as text, and what each metric means: published work disagrees on the names."""

from __future__ import annotations

import pandas as pd

from mmser.evaluation.scoring.score import MEAN, POOLED
from mmser.metrics.bootstrap import LEVEL
from mmser.metrics.table import meaning, notes, shown, title

SPREADS = ("std_folds", "std_seeds")
HEADS = {"value": "mean over folds", "std_folds": "  std folds", "std_seeds": "  std seeds"}
"""The columns after the interval, at their widths."""

EXPLAIN = "What each name means: --explain."


def scores_text(scores: pd.DataFrame, explain: bool = False) -> str:
    """For a terminal: pooled value with interval, and mean and deviation over several folds.

    ``explain`` adds what every name means, and where published work has another one.
    """
    lines = []
    for (run, condition), group in scores.groupby(["run", "condition"], sort=False):
        pooled = group[group["scope"] == POOLED]
        means = group[group["scope"] == MEAN].set_index("metric")
        first = pooled.iloc[0]
        clusters = f"{int(first['clusters'])} {first['cluster']}s"
        lines.append(
            f"{run or 'table'} ({condition}): {int(first['utterances'])} utterances, {clusters}"
        )
        # One fold is its own mean, and one seed has no spread.
        several = [column for column in SPREADS if means[column].notna().any()]
        columns = ["value", *several] if "std_folds" in several else several
        heads = "".join(HEADS[column] for column in columns)
        lines.append(f"  {'':<20}{'pooled':>8}  {f'{LEVEL:.0%} interval':<18}{heads}".rstrip())
        for row in pooled.to_dict("records"):
            mean, metric = means.loc[row["metric"]], row["metric"]
            interval = f"[{shown(metric, row['low'])}, {shown(metric, row['high'])}]"
            cells = "".join(
                f"{shown(metric, mean[column]):>{len(HEADS[column])}}" for column in columns
            )
            value = shown(metric, row["value"])
            lines.append(f"  {title(metric):<20}{value:>8}  {interval:<18}{cells}".rstrip())
    if not explain:
        return "\n".join([*lines, EXPLAIN])
    names = scores["metric"].unique()
    lines += ["", *(f"{title(name)}: {meaning(name)}." for name in names)]
    return "\n".join([*lines, *notes(names)])
