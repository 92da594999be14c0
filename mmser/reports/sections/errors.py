"""The most confident errors and the least confident right answers, to be read and heard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mmser.core.utterance import Utterance
from mmser.evaluation.scoring.extremes import confident, extremes
from mmser.reports.page import Html, element, heading, join, method, note, section, table
from mmser.reports.players import Players
from mmser.reports.reported_run import ReportedRun
from mmser.reports.sections.attention import attention_name, shaded_words
from mmser.reports.sound_curve import sound_curve

_TITLES = ("Most confident errors", "Least confident right answers")
_HEAD = ("Utterance", "Target", "Prediction", "Probability", "Speaker", "Words", "Recording")


def errors(runs: list[ReportedRun], players: Players | None) -> Html:
    """Both lists of each run, of its undisturbed test splits; without ``players`` silent."""
    blocks: list[Html] = []
    for run in runs:
        answers = confident(run.predictions)
        if answers.empty:
            why = "no class probabilities under the clean condition"
            blocks.append(note(f"{run.name}: {why}."))
            continue
        wrong = int((answers["target"] != answers["prediction"]).sum())
        counts = wrong, len(answers) - wrong
        blocks.append(heading(run.name, runs))
        for title, listed, count in zip(_TITLES, extremes(answers), counts, strict=True):
            blocks += [element("h3", f"{title} ({len(listed)} of {count})")]
            blocks.append(_table(run, listed, players) if len(listed) else note("None."))
    blocks.append(
        method(
            "Undisturbed test splits, all folds and seeds; an utterance stands once, with its most "
            "extreme answer. A confident error may be an error of the label. A curve is what the "
            "model attended to, over the sound in grey: 1 (dotted) is even attention; shaded words "
            "likewise. Sound is in the page "
            "as far as there is room, else it is linked: the corpus's licence says who may hear it."
        )
    )
    return section("Errors", blocks)


def _table(run: ReportedRun, rows: pd.DataFrame, players: Players | None) -> Html:
    lines = []
    for row in rows.to_dict("records"):
        known = run.utterance(str(row["corpus"]), str(row["id"]))
        lines.append(_line(row, run, players, known))
    head = _HEAD if players else _HEAD[:-1]
    return table(head, lines, text=len(head), stacked=True)


def _line(
    row: dict[Any, Any], run: ReportedRun, players: Players | None, known: Utterance | None
) -> list[object]:
    probability = f"{row['probability']:.2f}"
    about = [row["id"], row["target"], row["prediction"], probability, row["speaker"]]
    weights = _attention(run, row)
    words = _shaded(weights) or (known.transcript if known else "") or ""
    if players is None:
        return [*about, words]
    if known is None:
        return [*about, words, ""]
    curve = _curve(weights, players, known)
    return [*about, words, join([players.player(known), curve])]


def _attention(run: ReportedRun, row: dict[Any, Any]) -> list[dict[Any, Any]]:
    """What the model that gave this answer attended to."""
    kept = run.attention
    if kept.empty:
        return []
    is_it = (kept["id"] == row["id"]) & (kept["seed"] == row["seed"])
    rows = kept[is_it & (kept["fold"].astype(str) == str(row["fold"]))]
    # An utterance may be kept twice, as a sample and as an extreme answer.
    return rows.drop_duplicates(["name", "stream"]).to_dict("records")


def _shaded(weights: list[dict[Any, Any]]) -> Html | str:
    """The words by the first weights over words, empty without any."""
    for entry in weights:
        if entry["labels"] is not None and entry["stream"]:
            return shaded_words(list(entry["labels"]), np.asarray(entry["weights"], np.float64))
    return ""


def _curve(weights: list[dict[Any, Any]], players: Players, known: Utterance) -> Html:
    """The weights over time drawn over the sound, where there are any and there is room."""
    curves = [
        (attention_name(entry), np.asarray(entry["seconds"]), np.asarray(entry["weights"]))
        for entry in weights
        if entry["seconds"] is not None
    ]
    if not curves:
        return Html("")
    picture = sound_curve(players.waveform(known), curves)
    return picture if players.spend(len(picture)) else Html("")
