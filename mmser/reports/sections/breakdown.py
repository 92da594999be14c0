"""Scores by class and by speaker: who and what the averages hide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmser.core.palette import OKABE_ITO
from mmser.core.tables import CLEAN
from mmser.core.target_sets.classes import class_indices, class_names
from mmser.metrics.classification import confusion as count
from mmser.metrics.classification import grouped_confusion, per_class, ua, wa
from mmser.metrics.table import shown
from mmser.reports.figures import Spot, draw, row
from mmser.reports.page import Html, folded, heading, method, note, section, table
from mmser.reports.reported_run import ReportedRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SPEAKERS = 30
_MEASURES = ("recall", "precision", "f1")


def breakdown(runs: list[ReportedRun]) -> Html:
    """Plots and tables of the clean condition, all folds and seeds together."""
    blocks: list[Html] = []
    for run in runs:
        classes = class_names(run.predictions)
        rows = run.predictions[run.predictions["condition"] == CLEAN]
        rows = rows[rows["target"].notna()] if classes else rows.iloc[:0]
        if rows.empty:
            blocks.append(note(f"{run.name}: no class predictions under the clean condition."))
            continue
        by_class = per_class(count(rows["target"], rows["prediction"], classes), classes)
        by_speaker = speaker_scores(rows, classes)
        guesses = guessing(rows)
        pictures = [_class_plot(by_class, guesses)]
        if len(by_speaker):
            pictures.append(_speaker_plot(by_speaker, guesses))
        blocks += [
            heading(run.name, runs),
            row(pictures),
            _class_table(by_class),
            *_speaker_table(by_speaker),
        ]
    blocks.append(
        method(
            "All folds and seeds together: an utterance counts once for each seed. Chance is the "
            "recall of guessing each class alike; the majority line is the share of the commonest "
            "class, the WA of always saying it."
        )
    )
    return section("Classes and speakers", blocks)


def guessing(rows: pd.DataFrame) -> dict[str, float]:
    """What needs no model, in percent: chance (UA of guessing) and the commonest class's share."""
    shares = rows["target"].value_counts(normalize=True)
    return {"chance": 100 / len(shares), "majority": 100 * float(shares.iloc[0])}


def speaker_scores(rows: pd.DataFrame, classes: tuple[str, ...]) -> pd.DataFrame:
    """corpus, speaker, utterances, wa, ua of every named speaker, worst UA first."""
    rows = rows[rows["speaker"] != ""]
    if rows.empty:
        return pd.DataFrame(columns=["corpus", "speaker", "utterances", "wa", "ua"])
    grouping = rows.groupby(["corpus", "speaker"], sort=True)
    target, prediction = (
        class_indices(rows[column], classes) for column in ("target", "prediction")
    )
    counts = grouped_confusion(
        target, prediction, grouping.ngroup().to_numpy(), len(classes), grouping.ngroups
    )
    scores = grouping.size().rename("utterances").reset_index()
    return (
        scores.assign(wa=wa(counts), ua=ua(counts))
        .sort_values("ua", kind="stable")
        .reset_index(drop=True)
    )


_LINES = {"chance": ":", "majority": "--"}


def _class_plot(by_class: pd.DataFrame, guesses: dict[str, float]) -> Html:
    def paint(axes: Axes) -> list[Spot]:
        spots: list[Spot] = []
        place = np.arange(len(by_class))
        for i, name in enumerate(_MEASURES):
            axes.bar(
                place + (i - 1) * 0.27,
                100 * by_class[name],
                0.25,
                color=OKABE_ITO[i],
                label=name,
                zorder=2,
            )
            for x, score, class_name in zip(place, by_class[name], by_class["class"], strict=True):
                text = f"{class_name}: {name} {shown('ua', score)}"
                spots.append((x + (i - 1) * 0.27, 100 * np.nan_to_num(score), text))
        for name, percent in guesses.items():
            axes.axhline(percent, ls=_LINES[name], color="#333333", lw=1, zorder=3, label=name)
        labels = [f"{c}\n{n}" for c, n in zip(by_class["class"], by_class["support"], strict=True)]
        axes.set_xticks(place, labels, rotation=0 if len(labels) < 7 else 40)
        axes.set(ylim=(0, 100), ylabel="percent")
        axes.grid(axis="x", visible=False)
        axes.legend(ncols=5, loc="lower left", bbox_to_anchor=(-0.1, 1), **_TIGHT)
        return spots

    return draw(
        paint, "Recall, precision and F1 of each class; the table below has the numbers.", 4.7, 3.4
    )


_TIGHT: Any = {"columnspacing": 1.0, "handlelength": 1.4, "handletextpad": 0.5}


def _speaker_plot(by_speaker: pd.DataFrame, guesses: dict[str, float]) -> Html:
    largest = by_speaker.nlargest(MOST_SPEAKERS, "utterances")
    speakers = largest.sort_values("ua", ascending=False)
    wa_percent, ua_percent = 100 * speakers["wa"], 100 * speakers["ua"]
    labels = []
    for name, predictions in zip(speakers["speaker"], speakers["utterances"], strict=True):
        label = f"{name} ({predictions})"
        labels.append(label if len(label) < 24 else f"{label[:21]}...")

    def paint(axes: Axes) -> list[Spot]:
        place = np.arange(len(speakers))
        axes.hlines(place, wa_percent, ua_percent, color="#999999", lw=1)
        axes.plot(wa_percent, place, "o", color=OKABE_ITO[1], label="WA", mfc="white", mew=1.5)
        axes.plot(ua_percent, place, "o", color=OKABE_ITO[0], label="UA")
        for name, percent in guesses.items():
            axes.axvline(percent, ls=_LINES[name], color="#333333", lw=1, label=name)
        axes.set_yticks(place, labels)
        axes.set(xlim=(0, 103), xlabel="percent, by speaker (predictions)")
        axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1), **_TIGHT)
        return [
            (percent, float(y), f"{name}: {metric} {percent:.1f}")
            for metric, percents in (("WA", wa_percent), ("UA", ua_percent))
            for name, percent, y in zip(speakers["speaker"], percents, place, strict=True)
        ]

    height = max(3.4, 0.6 + 0.2 * len(speakers))
    return draw(paint, "UA and WA of each speaker; the table below has the numbers.", 4.7, height)


def _class_table(by_class: pd.DataFrame) -> Html:
    rows = []
    for scores in by_class.to_dict("records"):
        measures = [shown("ua", scores[name]) for name in _MEASURES]
        rows.append([scores["class"], scores["support"], scores["predicted"], *measures])
    return table(["Class", "Targets", "Predicted", "Recall", "Precision", "F1"], rows)


def _speaker_table(by_speaker: pd.DataFrame) -> list[Html]:
    if by_speaker.empty:
        return [note("No speakers are named in the predictions.")]
    rows = [
        [r["speaker"], r["corpus"], r["utterances"], shown("wa", r["wa"]), shown("ua", r["ua"])]
        for r in by_speaker.to_dict("records")
    ]
    full_table = folded(
        f"Every speaker ({len(rows)})",
        table(["Speaker", "Corpus", "Predictions", "WA", "UA"], rows, text=2),
    )
    if len(rows) <= MOST_SPEAKERS:
        return [full_table]
    limit = note(f"The plot shows the {MOST_SPEAKERS} speakers with the most utterances.")
    return [limit, full_table]
