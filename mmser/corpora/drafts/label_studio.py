"""Label Studio's exports, JSON and JSON-MIN: regions of recordings, or a choice for each whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from mmser.core.errors import MmserError, listed_faults
from mmser.core.text_file import read_text
from mmser.corpora.drafts.tiers import Annotated, rows_of_tiers, tier_of_emotions
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES

UPLOAD = re.compile(r"[0-9a-f]{8}-(?P<name>.+)")
"""How an uploaded file is renamed."""

KINDS = {"labels": "labels", "choices": "choices", "textarea": "text", "number": "number"}
"""{kind of an answer: key of its value}."""

EXPORT = "an export of Label Studio (JSON or JSON-MIN)"
Answer = tuple[str, float | None, float | None, str]
"""Name of the control, start and end (s; None: the whole recording), label."""


def read_label_studio(path: Path, tier: str | None) -> list[Annotated]:
    """``tier`` is the name of a control (``from_name``).

    Predictions are no annotations and are not read. Choices of several annotators become votes and
    the label of most of them, no label in a tie; where they mark regions, one annotation of each
    task must be the ground truth. Raises MmserError for tasks without annotation.
    """
    try:
        tasks = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise MmserError(EXPORT, f"no JSON in {path}", "Export it again.") from error
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise MmserError(EXPORT, f"something else in {path}", "Export it again.")
    found, faults = [], []
    for number, task in enumerate(tasks, 1):
        try:
            found.append(_annotated(task, tier, path))
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            faults.append(f"task {task.get('id', number)}: {fault}")
    if faults:
        raise listed_faults(f"annotated tasks in {path}", faults, "Correct them in Label Studio.")
    return found


def _annotated(task: Mapping[str, Any], tier: str | None, path: Path) -> Annotated:
    given = [each for each in task.get("annotations", []) if not each.get("was_cancelled")]
    media = _media(task["data"] if "annotations" in task or "data" in task else task)
    if "data" in task and not given:
        raise ValueError("no annotation (predictions are not read)")
    judged = [
        (str(_annotator(each, number)), _answers(each["result"]))
        for number, each in enumerate(given, 1)
    ]
    truth = [each for each in given if each.get("ground_truth")]
    if len(truth) == 1:
        judged = [("", _answers(truth[0]["result"]))]
    elif not given:
        judged = [("", _short_answers(task))]
    if len(judged) > 1:
        return Annotated(media, [_voted(judged, tier, path)])
    return Annotated(media, _rows(judged[0][1], tier, path))


def _rows(answers: Sequence[Answer], tier: str | None, path: Path) -> list[dict[str, Any]]:
    """The regions, or one row where everything is said of the whole recording."""
    tiers: dict[str, list[tuple[float, float, str]]] = {}
    whole = all(start is None for _, start, _, _ in answers)
    for name, start, end, label in answers:
        if whole or (start is not None and end is not None):
            # A whole recording is a stretch of no particular length.
            span = (0.0, 1.0) if start is None or end is None else (start, end)
            tiers.setdefault(name, []).append((*span, label))
    rows = rows_of_tiers(tiers, tier, path)
    return [
        {key: row[key] for key in row if not whole or key not in ("start", "end")} for row in rows
    ]


def _voted(
    judged: Sequence[tuple[str, Sequence[Answer]]], tier: str | None, path: Path
) -> dict[str, Any]:
    """One row from the choices of several annotators."""
    votes: list[dict[str, Any]] = []
    for annotator, answers in judged:
        if any(start is not None for _, start, _, _ in answers):
            raise ValueError("regions by several annotators (make one annotation the ground truth)")
        controls = dict.fromkeys(name for name, *_ in answers)
        named = tier_of_emotions(controls, tier, path)
        labels = [label for name, _, _, label in answers if name == named]
        votes.append({"annotator": annotator, "emotions": labels})
    counts = Counter(label for vote in votes for label in vote["emotions"]).most_common(2)
    tied = len(counts) != 1 and counts[0][1] == counts[-1][1]
    return {"emotion": None if tied else counts[0][0], "votes": votes}


def _answers(results: Sequence[Mapping[str, Any]]) -> list[Answer]:
    answers: list[Answer] = []
    for result in results:
        value = result.get("value", {})
        key = KINDS.get(result.get("type", ""))
        if key is not None:
            labels = value[key] if isinstance(value[key], list) else [value[key]]
            span = _seconds(value.get("start")), _seconds(value.get("end"))
            answers += [(result["from_name"], *span, str(label)) for label in labels]
    return answers


def _short_answers(task: Mapping[str, Any]) -> list[Answer]:
    """Those of JSON-MIN, where each control is a key of the task."""
    answers: list[Answer] = []
    for name, value in task.items():
        for each in value if isinstance(value, list) else []:
            if isinstance(each, dict) and "start" in each:
                span = _seconds(each["start"]), _seconds(each["end"])
                labels: list[Any] = next(
                    (each[key] for key in ("labels", "choices", "text") if key in each), []
                )
                answers += [(name, *span, str(label)) for label in labels]
        if isinstance(value, str) and name in (
            "emotion",
            "emotions",
            "sentiment",
            "choice",
            "label",
        ):
            answers.append((name, None, None, value))
    if not answers:
        raise ValueError("no annotation")
    return answers


def _annotator(annotation: Mapping[str, Any], number: int) -> Any:
    who = annotation.get("completed_by", number)
    return who.get("email", who.get("id", number)) if isinstance(who, dict) else who


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)


def _media(data: Mapping[str, Any]) -> list[str]:
    """The names of the recordings that the task shows, without the server's folders."""
    names = []
    for address in data.values():
        if not isinstance(address, str):
            continue
        parts = urlsplit(address)
        local = parse_qs(parts.query).get("d", [])
        name = local[0] if local else unquote(parts.path)
        if PurePosixPath(name).suffix.lower() in (*SOUND_SUFFIXES, *VIDEO_SUFFIXES):
            names.append(name)
            uploaded = UPLOAD.fullmatch(PurePosixPath(name).name)
            names += [uploaded["name"]] if uploaded else []
    if not names:
        raise ValueError("no recording in its data")
    return names
