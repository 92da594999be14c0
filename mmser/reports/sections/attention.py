"""What sample utterances attend to: words shaded by weight, frames as curves, streams as shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.reports.figures import draw, row
from mmser.reports.page import Html, element, heading, join, method, note, safe, section
from mmser.reports.reported_run import ReportedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def attention(runs: list[ReportedRun]) -> Html:
    """The samples that evaluation kept of each run."""
    blocks: list[Html] = []
    for run in runs:
        samples = spread(run)
        if samples.empty:
            blocks.append(
                note(f"{run.name}: its model gives no attention weights, or none were saved.")
            )
            continue
        blocks.append(heading(run.name, runs))
        for _, rows in samples.groupby(["id", "fold", "seed"], sort=False):
            blocks.append(_sample(run, rows))
    blocks.append(
        method(
            "Weights are averaged over heads and queries; 1 would be all attention on one step. "
            "Test utterances spread evenly over the first fold, each run alone. Attention shows "
            "where a model looks, not why it decides."
        )
    )
    return section("Attention", blocks)


def spread(run: ReportedRun) -> pd.DataFrame:
    """The samples that stand for the test split; those of extreme answers stand with the errors."""
    samples = run.attention
    # Runs evaluated before these were kept have no such column.
    return samples[~samples["extreme"].astype(bool)] if "extreme" in samples else samples


def _sample(run: ReportedRun, rows: pd.DataFrame) -> Html:
    first = rows.iloc[0]
    table = run.predictions
    same_utterance = table["id"] == first["id"]
    same_model = (table["fold"] == str(first["fold"])) & (table["seed"] == first["seed"])
    predictions = table[same_utterance & same_model]
    answer = _answer(predictions.iloc[0]) if len(predictions) else ""
    blocks: list[Html] = [element("h3", f"{first['id']}{answer}")]
    pictures: list[Html] = []
    entries: list[Any] = rows.to_dict("records")
    for entry in entries:
        weights = np.asarray(entry["weights"], dtype=np.float64)
        name = attention_name(entry)
        if entry["labels"] is not None:
            labels = list(entry["labels"])
            # Weights of streams are few: their shares can be read as figures.
            if not entry["stream"]:
                pairs = zip(labels, weights, strict=True)
                labels = [f"{label} {weight:.2f}" for label, weight in pairs]
            blocks += [element("p", name, "label"), shaded_words(labels, weights)]
        else:
            pictures.append(_curve(name, weights, entry["seconds"]))
    if pictures:
        blocks.append(row(pictures))
    return Html(f'<div class="sample">{join(blocks)}</div>')


def _answer(prediction: pd.Series) -> str:
    if "target" not in prediction:
        return ""
    target = prediction["target"] if isinstance(prediction["target"], str) else "no label"
    return f": target {target}, predicted {prediction['prediction']}"


def attention_name(entry: dict[Any, Any]) -> str:
    """What attends to what: "text to audio over audio"."""
    name, stream = str(entry["name"]).replace("_", " "), str(entry["stream"])
    if not stream or name.endswith(stream):
        return name
    return f"{name} over {stream}"


def shaded_words(words: list[str], weights: np.ndarray) -> Html:
    """Words on a ground as dark as their weight, relative to the largest.

    The weight itself is in the title.
    """
    largest = weights.max() or 1.0
    spans = []
    for word, weight in zip(words, weights, strict=True):
        style = f"background:rgba(0,114,178,{0.75 * weight / largest:.3f})"
        spans.append(f'<span style="{style}" title="{weight:.3f}">{safe(word)}</span>')
    return Html(f'<p class="words">{" ".join(spans)}</p>')


def _curve(name: str, weights: np.ndarray, seconds: Any) -> Html:
    place = np.asarray(seconds) if seconds is not None else np.arange(1, len(weights) + 1)

    def paint(axes: Axes) -> None:
        axes.fill_between(place, weights, color=OKABE_ITO[0], alpha=0.25, lw=0)
        axes.plot(
            place,
            weights,
            color=OKABE_ITO[0],
            lw=1.1,
            marker="o" if len(weights) < 40 else "",
            ms=2.5,
        )
        axes.set(xlabel="step" if seconds is None else "seconds", ylabel="weight", ylim=(0, None))
        axes.set_title(name, loc="left")
        axes.locator_params(axis="x", nbins=6)

    return draw(paint, f"Attention {name}: {len(weights)} steps.", 4.3, 1.9)
