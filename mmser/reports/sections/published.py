"""The literature's figures beside ours.

They stand in a table of their own that says how the protocols differ.
"""

from __future__ import annotations

from typing import Any

from mmser.core.tables import CLEAN
from mmser.evaluation.scoring.score import POOLED
from mmser.metrics.table import published_metric, shown
from mmser.reports.page import Html, bullets, heading, join, method, note, section, table
from mmser.reports.reported_run import ReportedRun
from mmser.runs.shared_speakers import UNKNOWN


def published(runs: list[ReportedRun]) -> Html:
    """One table per run that has reported scores in its system card."""
    blocks: list[Html] = []
    for run in runs:
        reported = run.card.get("reported") or []
        if not reported:
            blocks.append(note(f"{run.name}: the system card names no published score."))
            continue
        rows = [_row(run, entry) for entry in reported]
        head = ["Metric", "Their data", "Their protocol", "Source", "Published", "This run"]
        blocks += [heading(run.name, runs), table(head, rows, text=4), _differences(run)]
    blocks.append(
        method(
            "Published figures are quoted as printed; they were not obtained here. Read the "
            "protocols before the numbers: unlike splits, label sets and transcripts forbid a "
            "comparison. This run's figure is pooled."
        )
    )
    return section("Published scores", blocks)


def _row(run: ReportedRun, entry: dict[str, Any]) -> list[object]:
    ours = _ours(run, str(entry.get("metric", "")), str(entry.get("data", "")))
    texts = [
        entry.get(key, "not stated") for key in ("metric", "data", "protocol", "source", "value")
    ]
    return [*texts, ours]


def _ours(run: ReportedRun, metric: str, data: str) -> str:
    """Our pooled figure, or why there is none; never on another corpus."""
    corpora = {_plain(corpus) for corpus in run.predictions["corpus"].unique()}
    if not any(corpus and corpus in _plain(data) for corpus in corpora):
        return "another corpus"
    same = published_metric(metric)
    is_pooled = run.scores["scope"] == POOLED
    is_clean = run.scores["condition"] == CLEAN
    values = run.scores[is_pooled & is_clean].set_index("metric")["value"]
    # Published accuracies and F1 are percents; a concordance is printed in either way.
    if same is None or same.unit != "percent" or same.name not in values.index:
        return "not scored here"
    return shown(same.name, values[same.name])


def _differences(run: ReportedRun) -> Html:
    protocol = run.config.get("protocol") or {}
    title = protocol.get("title") or protocol.get("name") or "not stated"
    lines = [f"This run's protocol: {title}"]
    lines.append(f"Speakers: {run.speakers.line if run.speakers else UNKNOWN}")
    published = run.card.get("protocol")
    if published and published != protocol.get("name"):
        lines.append(
            f"The card's protocol for this system is {published}; this run used another one."
        )
    lines += [f"Departure from the paper: {text}" for text in run.card.get("departures") or []]
    return join([bullets(lines)])


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
