"""What the learned sums of a run take of each layer of a pretrained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.reports.figures import draw, row
from mmser.reports.page import Html, heading, method, note, section
from mmser.reports.reported_run import ReportedRun
from mmser.runs.run_paths import LAYER_WEIGHTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def layer_weights(runs: list[ReportedRun]) -> Html:
    """The softmax weights of each sum, one picture a sum."""
    blocks: list[Html] = []
    for run in runs:
        table = run.folder.table(LAYER_WEIGHTS)
        if table is None:
            blocks.append(note(f"{run.name}: its model has no learned sum of layers."))
            continue
        sums = list(table.groupby("sum", sort=False))
        blocks += [heading(run.name, runs), row([_sum(str(name), rows) for name, rows in sums])]
    blocks.append(
        method(
            "Weights are positive and sum to 1; the dashed line is that of layers which all weigh "
            "the same. Bars: mean over folds and seeds; dots: each of them. Layers in the "
            "extractor's order: the first of wav2vec 2.0 and its kin is the input of the "
            "Transformer, the first of Whisper the output of its first block. A weight is not the "
            "worth of its layer: layers of larger values need smaller weights."
        )
    )
    return section("Weights of layers", blocks)


def _sum(name: str, rows: pd.DataFrame) -> Html:
    mean = rows.groupby("layer")["weight"].mean()

    def paint(axes: Axes) -> None:
        axes.bar(mean.index, mean, color=OKABE_ITO[0], alpha=0.35)
        axes.scatter(rows["layer"], rows["weight"], color=OKABE_ITO[0], s=6, zorder=3)
        axes.axhline(1 / len(mean), color="#666666", lw=0.8, ls="--")
        axes.set(xlabel="layer", ylabel="weight", ylim=(0, None))
        axes.set_title(name, loc="left")
        axes.locator_params(axis="x", integer=True)

    highest = mean.idxmax()
    width = 2.6 + 0.12 * len(mean)
    text = f"Weights of {len(mean)} layers in {name}: the highest, {mean.max():.2f}, on {highest}."
    return draw(paint, text, width, 2.6)
