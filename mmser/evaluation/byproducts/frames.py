"""Predictions of every frame, written as the AVEC challenges do: one csv per recording.

The command fuse reads them.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmser.core.batch import Outputs
from mmser.core.errors import MmserError
from mmser.core.file_names import file_name
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.avec_csv import write_track
from mmser.evaluation.predict import run_model
from mmser.metrics.regression import ccc
from mmser.settings.part import located

if TYPE_CHECKING:
    from mmser.data.fold_data import FoldData
    from mmser.training.run import Run, TrainedFold

FOLDER = "frames"


def write_frames(run: Run) -> tuple[pd.DataFrame, list[Path]]:
    """Write ``<run>/frames/<recording>.csv`` for the tested recordings.

    Its columns are ``name;timestamp;<value>;...``.
    With several seeds each has a folder ``frames/seed<k>``: a model of its own for `mmser fuse`. A
    run of one fold also predicts the corpus's recordings that its protocol leaves out, such as a
    test split without labels. Predictions are moved back by the delay the objective trained with.
    Returns the concordance over all labelled frames of the tested split (columns seed, frames,
    ccc_<value>; no row without traced labels), and the folders written. Raises MmserError when the
    run has no finished fold or its model predicts no frames.
    """
    finished = run.finished()
    seeds = sorted({trained.seed for trained in finished})
    single = len({trained.fold for trained in finished}) == 1
    rows, folders = [], []
    for seed in seeds:
        folder = run.directory / FOLDER / (f"seed{seed}" if len(seeds) > 1 else "")
        folder.mkdir(parents=True, exist_ok=True)
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        same_seed = [trained for trained in finished if trained.seed == seed]
        for trained in same_seed:
            pairs += _write_fold(trained, folder, with_others=single)
        rows += _scored(pairs, same_seed[0].task.values, seed)
        folders.append(folder)
    return pd.DataFrame(rows), folders


def _write_fold(
    trained: TrainedFold, folder: Path, with_others: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and labels (frame, value) of every tested recording that has traced labels."""
    model = trained.model()
    labels, delay = traced_labels(trained.run.settings.objective)
    data = _with_others(trained) if with_others else trained.data()
    assignment = trained.run.assignment
    tested = set(assignment.loc[assignment["fold"].astype(str) == trained.fold, "id"])
    places = {name: place for place, name in enumerate(data.ids("test"))}
    pairs = []
    for batch, outputs in run_model(model, data.loader("test", shuffle=False), need_steps=True):
        values, mask = _frames(outputs)
        traced = batch.traces.get(labels)
        for row, name in enumerate(batch.ids):
            real = mask[row]
            moved = _moved_back(values[row][real], delay)
            if len(moved):
                times = _times(data, places[name], len(real))[real]
                write_track(folder / f"{file_name(name)}.csv", name, times, moved, data.task.values)
            if traced is not None and name in tested:
                is_labelled = (traced.mask[row].numpy() & real)[real]
                pairs.append((moved[is_labelled], traced.values[row].numpy()[real][is_labelled]))
    return pairs


def traced_labels(objective: Mapping[str, Any]) -> tuple[str, int]:
    """The trace an objective's config learns from, "" for none, and the delay of its labels.

    The delay, in frames, is the annotators': a prediction speaks of the label that much later.
    """
    terms = objective.get("terms") or {}
    for component in (objective, *terms.values()):
        arguments = _arguments(component)
        name = arguments.get("labels") or arguments.get("gold")
        if name:
            return str(name), int(arguments.get("delay", 0))
    return "", 0


def _arguments(component: Mapping[str, Any]) -> dict[str, Any]:
    """A component's arguments: its class's defaults, and those of its config over them."""
    signature = inspect.signature(located(str(component["_target_"])))
    defaults = {name: each.default for name, each in signature.parameters.items()}
    return defaults | dict(component)


def _frames(outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
    """Values (batch, time, value) and which frames are real (batch, time)."""
    if outputs.sequence is None or outputs.steps is None:
        raise MmserError(
            "a run that predicts every frame",
            "one answer per utterance",
            "Train e.g. system=multistage_lstm.",
        )
    values = outputs.steps.values
    if values is None:
        raise MmserError(
            "a run with values to predict", "only classes", "Choose a protocol with values."
        )
    return values.float().cpu().numpy(), outputs.sequence.mask.cpu().numpy()


def _moved_back(values: np.ndarray, delay: int) -> np.ndarray:
    """The predictions ``delay`` frames later; the first frames repeat the first prediction."""
    return values[(np.arange(len(values)) - delay).clip(0)]


def _times(data: FoldData, row: int, steps: int) -> np.ndarray:
    """(frame,) seconds at which the grid cells of a recording begin."""
    streams = data.dataset("test")[(0, row)].streams.values()
    spans = next(
        (track.spans for track in streams if track is not None and track.spans is not None), None
    )
    rate = data.alignment.grid_rate
    first = 0.0 if spans is None else float(np.round(spans[0, 0] * rate))
    return (first + np.arange(steps)) / rate


def _with_others(trained: TrainedFold) -> FoldData:
    """The fold's data, the recordings that take no part in the protocol added to its test split."""
    run = trained.run
    others = run.manifest.loc[~run.manifest["id"].isin(run.assignment["id"]), "id"]
    if others.empty:
        return trained.data()
    further = pd.DataFrame(
        {"id": others, "fold": trained.fold, SPLIT_COLUMN: "test", "label": None}
    )
    return trained.data(pd.concat([run.assignment, further], ignore_index=True))


def _scored(
    pairs: list[tuple[np.ndarray, np.ndarray]], values: tuple[str, ...], seed: int
) -> list[dict[str, Any]]:
    if not pairs:
        return []
    predicted, target = (np.concatenate(side) for side in zip(*pairs, strict=True))
    scores = {
        f"ccc_{name}": ccc(target[:, i], predicted[:, i], ddof=1) for i, name in enumerate(values)
    }
    return [{"seed": seed, "frames": len(target)} | scores]
