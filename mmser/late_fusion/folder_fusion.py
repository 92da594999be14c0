"""Fuse folders of frame-level predictions, one per model: `mmser fuse DIR DIR ... --gold DIR`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError, UsageError
from mmser.corpora.avec_csv import Track, read_folder
from mmser.extraction.progress import Progress
from mmser.late_fusion.frame_protocols import (
    BEST,
    MEAN,
    Fitted,
    FrameProtocol,
    best_single,
    count_fits,
    fit_protocol,
    outputs_of,
)
from mmser.late_fusion.grouping import Grouping, group_recordings
from mmser.late_fusion.multistage import StageSettings, pooled_ccc
from mmser.late_fusion.shared_axis import Recordings, align_recordings

FRAME_METHODS = ("svr", "ridge", "mean")
FrameMethod = Literal["svr", "ridge", "mean"]
SCORE_KEYS = ("protocol", "system", "stage")


@dataclass(slots=True, eq=False)
class FrameFusion:
    """``fused`` holds {recording: (frame, attribute)} of ``protocol`` after the last stage.

    ``scores`` has one row per (protocol, system, stage) with the concordance of each attribute and
    their mean; ``choices`` what the grid search chose; ``notes`` are sentences a reader of the
    scores must know.
    """

    recordings: Recordings
    method: str
    protocol: str
    fused: dict[str, np.ndarray]
    scores: pd.DataFrame
    choices: pd.DataFrame
    notes: list[str] = field(default_factory=list)


def fuse_folders(
    folders: Sequence[str | Path],
    gold: str | Path | None = None,
    method: FrameMethod = "svr",
    protocol: FrameProtocol = "by_subject",
    settings: StageSettings | None = None,
    subjects: str | Path | None = None,
    tolerance: int = 20,
    shared_only: bool = False,
) -> FrameFusion:
    """Read, align, fuse and score.

    Every recording is fused; those with labels under ``gold`` are scored. ``protocol`` decides
    which outputs are returned; the other one's scores stand beside where the labels allow it.
    ``subjects`` is a table that names each recording's subject (see `mmser.late_fusion.grouping`).
    """
    settings = settings or StageSettings()
    models = {name: read_folder(path) for name, path in _named(folders).items()}
    labels = read_folder(gold, gold=True) if gold is not None else {}
    recordings = align_recordings(models, labels, tolerance, shared_only)
    notes = _data_notes(recordings, labels)
    if method == "mean":
        return _plain(recordings, notes)
    if not recordings.labels:
        raise UsageError(
            "labels to fit the fusion on", "no --gold", "Name their folder, or use --method mean."
        )
    lengths = {name: _labelled_frames(labels) for name, labels in recordings.labels.items()}
    grouping = group_recordings(lengths, subjects)
    notes.append(f"Groups kept together by by_subject: {grouping.how}.")
    protocols: list[FrameProtocol] = ["resubstitution"]
    if protocol == "by_subject" or len(grouping.names) > 2:
        protocols.append("by_subject")
    else:
        notes.append(
            "No cross-validation by subject: it needs three groups, there are "
            f"{len(grouping.names)}."
        )
    fitted: dict[str, Fitted] = {}
    for name in protocols:
        fitted[name] = _fit(name, recordings, grouping, settings)
    return _result(recordings, method, protocol, fitted, notes)


def _named(folders: Sequence[str | Path]) -> dict[str, Path]:
    """A name for each model: the folder's own, with its parent's where two agree."""
    paths = [Path(folder) for folder in folders]
    resolved = [path.resolve() for path in paths]
    twice = [str(path) for i, path in enumerate(paths) if resolved[i] in resolved[:i]]
    if twice:
        raise UsageError("each model's folder once", f"{twice[0]} twice", "Remove one.")
    names = [path.name for path in resolved]
    return {
        path.name if names.count(path.name) == 1 else f"{path.parent.name}/{path.name}": path
        for path in resolved
    }


def _fit(
    name: FrameProtocol, recordings: Recordings, grouping: Grouping, settings: StageSettings
) -> Fitted:
    others = len(recordings.labels) < len(recordings.outputs)
    with Progress(name, count_fits(name, settings, grouping, others), unit="fits") as progress:
        fitted = fit_protocol(
            name, recordings.outputs, recordings.labels, grouping, settings, progress.step
        )
        progress.total = progress.done
    return fitted


def _plain(recordings: Recordings, notes: list[str]) -> FrameFusion:
    """The plain mean: nothing is fitted, so there is no protocol."""
    means = {name: values.mean(axis=1) for name, values in recordings.outputs.items()}
    rows = _yardsticks(recordings, means, None) if recordings.labels else []
    table = pd.DataFrame(rows, columns=[*SCORE_KEYS, *recordings.attributes, "mean"])
    return FrameFusion(recordings, "mean", "nothing fitted", means, table, pd.DataFrame(), notes)


def _result(
    recordings: Recordings,
    method: str,
    protocol: str,
    fitted: Mapping[str, Fitted],
    notes: list[str],
) -> FrameFusion:
    means = {name: values.mean(axis=1) for name, values in recordings.outputs.items()}
    rows, choices = [], []
    for name in sorted(fitted, key=lambda name: name != "resubstitution"):
        one = fitted[name]
        rows += _yardsticks(recordings, means, one.best_single, name)
        for stage, outputs in enumerate(one.stages, start=1):
            rows.append(_row(recordings, outputs, name, method, stage))
        choices += [
            {"protocol": name} | choice | {"attribute": recordings.attributes[choice["attribute"]]}
            for choice in one.choices
        ]
    table = pd.DataFrame(rows, columns=[*SCORE_KEYS, *recordings.attributes, "mean"]).astype(
        {"stage": "Int64"}
    )
    fused = fitted[protocol].stages[-1]
    return FrameFusion(recordings, method, protocol, fused, table, pd.DataFrame(choices), notes)


def _yardsticks(
    recordings: Recordings,
    means: Mapping[str, np.ndarray],
    single: Mapping[str, np.ndarray] | None,
    protocol: str = "",
) -> list[dict[str, Any]]:
    if single is None:
        best = best_single(recordings.outputs, recordings.labels, list(recordings.labels))
        single = {name: outputs_of(best, recordings.outputs[name]) for name in recordings.labels}
    return [_row(recordings, means, protocol, MEAN), _row(recordings, single, protocol, BEST)]


def _row(
    recordings: Recordings,
    outputs: Mapping[str, np.ndarray],
    protocol: str,
    system: str,
    stage: int | None = None,
) -> dict[str, Any]:
    labels = recordings.labels
    scores = [pooled_ccc(labels, outputs, labels, i) for i in range(len(recordings.attributes))]
    named = dict(zip(recordings.attributes, scores, strict=True))
    return (
        {"protocol": protocol, "system": system, "stage": stage}
        | named
        | {"mean": float(np.mean(scores))}
    )


def _labelled_frames(labels: np.ndarray) -> int:
    """How many frames of labels (frame, attribute) have any label."""
    return int((~np.isnan(labels)).any(axis=1).sum())


def _data_notes(recordings: Recordings, gold: Mapping[str, Track]) -> list[str]:
    scored = sum(_labelled_frames(labels) for labels in recordings.labels.values())
    frames = sum(map(len, recordings.times.values()))
    notes = [
        f"{len(recordings.models)} models, {len(recordings.times)} recordings, {frames} frames; "
        f"{len(recordings.labels)} recordings with {scored} labelled frames are scored, all are "
        "predicted."
    ]
    beyond = {
        n: len(recordings.times[n]) - len(v.times) for n, v in gold.items() if n in recordings.times
    }
    longer = {name: count for name, count in beyond.items() if count > 0}
    if longer:
        notes.append(
            f"{len(longer)} recordings are longer than their labels, by {min(longer.values())} to "
            f"{max(longer.values())} frames: these frames are predicted, not scored."
        )
    changed = recordings.adjustments
    if len(changed):
        notes.append(
            f"{len(changed)} files are shorter than others of their recording: the value of the "
            f"frame before was repeated in {int(changed['repeated'].sum())} frames (at most "
            f"{int(changed['repeated'].max())} in one)."
        )
    unknown = sorted(set(gold) - set(recordings.times))
    if unknown:
        notes.append(
            f"{len(unknown)} recordings have labels and no predictions, such as {unknown[0]}: "
            "left out."
        )
    if gold and not scored:
        raise MmserError(
            "labelled frames", "only empty cells in the labels", "Check the folder of labels."
        )
    return notes
