"""The score table as text, and what each metric means: published work disagrees on the names."""

from __future__ import annotations

import pandas as pd

from mmser.evaluation.scoring.score import MEAN, POOLED
from mmser.metrics.bootstrap import LEVEL
from mmser.metrics.table import meaning, notes, shown, title

EXPLAIN = "What each name means: --explain."


def scores_text(scores: pd.DataFrame, explain: bool = False) -> str:
    """For a terminal: pooled value with interval and mean over folds.

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
    if not explain:
        return "\n".join([*lines, EXPLAIN])
    names = scores["metric"].unique()
    lines += ["", *(f"{title(name)}: {meaning(name)}." for name in names)]
    return "\n".join([*lines, *notes(names)])
