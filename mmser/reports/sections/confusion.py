"""Confusion matrices as tables: share of the row and count, shaded by the share."""

from __future__ import annotations

import numpy as np

from mmser.core.tables import CLEAN
from mmser.core.target_sets.classes import class_names
from mmser.metrics.classification import confusion as count
from mmser.reports.page import Html, element, heading, method, note, safe, section
from mmser.reports.reported_run import ReportedRun


def confusion(runs: list[ReportedRun]) -> Html:
    """One matrix per run and condition, all folds and seeds together."""
    blocks: list[Html] = []
    for run in runs:
        classes = class_names(run.predictions)
        if not classes:
            blocks.append(note(f"{run.name}: no classes were predicted."))
            continue
        for condition, table in run.predictions.groupby("condition", sort=False):
            rows = table[table["target"].notna()]
            name = run.name if condition == CLEAN else f"{run.name}, condition {condition}"
            counts = count(rows["target"], rows["prediction"], classes)
            blocks += [
                heading(name, runs) if condition == CLEAN else element("h3", name),
                _matrix(counts, classes),
            ]
    blocks.append(
        method(
            "Rows are targets, columns predictions; percent of the row, and the count over all "
            "seeds."
        )
    )
    return section("Confusion", blocks)


def _matrix(counts: np.ndarray, classes: tuple[str, ...]) -> Html:
    head = "".join(element("th", name, "n") for name in classes)
    lines = [f"<tr><th></th>{head}</tr>"]
    for name, row in zip(classes, counts, strict=True):
        # A class without a target has no shares.
        total = row.sum() or np.nan
        cells = "".join(
            _cell(
                entry, entry / total, f"{name} taken for {other}: {int(entry)} of {row.sum():.0f}"
            )
            for other, entry in zip(classes, row, strict=True)
        )
        lines.append(f"<tr>{element('th', name)}{cells}</tr>")
    return Html(f'<div class="scroll"><table class="confusion">{"".join(lines)}</table></div>')


def _cell(entry: int, share: float, hover: str) -> str:
    words = safe(hover)
    if np.isnan(share):
        return f'<td title="{words}">–<small>0</small></td>'
    ink = "#fff" if share > 0.7 else "inherit"  # the page's own, light or dark
    style = f"background:rgba(0,85,140,{share:.3f});color:{ink}"
    content = f"{100 * share:.1f}<small>{int(entry)}</small>"
    return f'<td style="{style}" title="{words}">{content}</td>'
