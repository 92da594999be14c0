"""Several models' files and the labels of one recording on one time axis.

The axis is that of the model with the most frames, plus the labels' frames beyond its end. A frame
takes the value at the nearest timestamp within half a hop. Where a model has none, its last value
before is repeated (its first, at the start); no label is ever repeated: frames without one are
predicted, not scored. What was repeated is reported, and more than ``tolerance`` frames is an
error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.corpora.avec_csv import Track

ADJUSTMENT_COLUMNS = ("recording", "model", "frames", "axis", "repeated")


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """What fusion works on, by recording name.

    ``times`` (frame,) seconds; ``outputs`` (frame, model, attribute) float32; ``labels`` (frame,
    attribute) float32, NaN where unlabelled, only of recordings that have labels. ``adjustments``
    lists models whose frames were repeated.
    """

    models: tuple[str, ...]
    attributes: tuple[str, ...]
    times: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    adjustments: pd.DataFrame


def align_recordings(
    models: Mapping[str, Mapping[str, Track]],
    gold: Mapping[str, Track],
    tolerance: int = 20,
    shared_only: bool = False,
) -> Recordings:
    """Put every recording of ``models`` {model: {recording: track}} and its labels on one axis.

    ``shared_only`` leaves out recordings that some model lacks; otherwise they are an error, as are
    differing attributes and labels that belong to no recording.
    """
    names = _recordings(models, shared_only)
    attributes = next(iter(next(iter(models.values())).values())).attributes
    _check_attributes(models, gold, attributes)
    if gold and not set(names) & set(gold):
        found = f"labels of {', '.join(sorted(gold)[:3])}, predictions of {', '.join(names[:3])}"
        raise MmserError(
            "labels of the recordings that were predicted", found, "Check the names in the files."
        )
    result = Recordings(tuple(models), attributes, {}, {}, {}, pd.DataFrame())
    rows: list[tuple[str, str, int, int, int]] = []
    for name in names:
        tracks = {model: folder[name] for model, folder in models.items()}
        labels = gold.get(name)
        times = _axis([*tracks.values()], labels)
        columns = []
        for model, track in tracks.items():
            values, repeated = _repeated(track, times, tolerance)
            columns.append(values[:, _places(track, attributes)])
            if repeated:
                rows.append((name, model, len(track.times), len(times), repeated))
        result.times[name] = times
        result.outputs[name] = np.stack(columns, axis=1)
        if labels is not None:
            result.labels[name] = _labelled(labels, times, attributes)
    return Recordings(
        result.models,
        attributes,
        result.times,
        result.outputs,
        result.labels,
        pd.DataFrame(rows, columns=list(ADJUSTMENT_COLUMNS)),
    )


def hop(times: np.ndarray) -> float:
    """The median distance of two frames, seconds; one frame alone counts as 1."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def nearest(times: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """(axis,) index of the frame of ``times`` within half a hop of each axis frame, or -1."""
    right = np.searchsorted(times, axis).clip(0, len(times) - 1)
    left = (right - 1).clip(0)
    index = np.where(np.abs(times[left] - axis) <= np.abs(times[right] - axis), left, right)
    # A hair more than half a hop: timestamps are printed with few digits.
    return np.where(np.abs(times[index] - axis) <= 0.501 * hop(axis), index, -1)


def _recordings(models: Mapping[str, Mapping[str, Track]], shared_only: bool) -> list[str]:
    """The recordings of all models, or with ``shared_only`` those that every model has."""
    everything = sorted(set().union(*models.values()))
    lacking: dict[str, list[str]] = {}
    for model, tracks in models.items():
        names = [name for name in everything if name not in tracks]
        if names:
            lacking[model] = names
    everywhere = set(everything).intersection(*models.values())
    common = [name for name in everything if name in everywhere]
    if not lacking or (shared_only and common):
        return common
    lines = [f"{model} lacks {len(names)}, such as {names[0]}" for model, names in lacking.items()]
    remedy = "The folders share no recording: check the names inside the files."
    if common:
        remedy = (
            "Add the files, leave that model out, or fuse only what all models have with "
            "--shared-only."
        )
    raise MmserError("every recording in every model's folder", "; ".join(lines), remedy)


def _check_attributes(
    models: Mapping[str, Mapping[str, Track]], gold: Mapping[str, Track], attributes: Sequence[str]
) -> None:
    for model, tracks in models.items():
        columns = next(iter(tracks.values())).attributes
        if sorted(columns) != sorted(attributes):
            raise MmserError(
                f"the attributes {', '.join(attributes)} in every model",
                f"{', '.join(columns)} in {model}",
                "Give all models the same columns.",
            )
    if gold:
        labelled = next(iter(gold.values())).attributes
        missing = [attribute for attribute in attributes if attribute not in labelled]
        if missing:
            expected = f"labels for {', '.join(attributes)}"
            raise MmserError(
                expected,
                f"none for {', '.join(missing)}",
                "Add or rename the column in the labels.",
            )


def _places(track: Track, attributes: Sequence[str]) -> list[int]:
    """The track's columns of ``attributes``, in their order."""
    return [track.attributes.index(attribute) for attribute in attributes]


def _axis(tracks: Sequence[Track], labels: Track | None) -> np.ndarray:
    times = max((track.times for track in tracks), key=len)
    if labels is None:
        return times
    return np.concatenate([times, labels.times[labels.times > times[-1] + 0.501 * hop(times)]])


def _repeated(track: Track, axis: np.ndarray, tolerance: int) -> tuple[np.ndarray, int]:
    """Values on the axis, and how many of them had to be repeated."""
    index = nearest(track.times, axis)
    gaps = index < 0
    if gaps.sum() > tolerance:
        found = f"{len(track.times)} in {track.path}, {int(gaps.sum())} of the axis missing"
        expected = (
            f"the {len(axis)} frames of {track.name} ({axis[0]:g} to {axis[-1]:g} s) but "
            f"for {tolerance} at most"
        )
        raise MmserError(expected, found, "Check its timestamps, or allow more with --tolerance.")
    before = np.searchsorted(track.times, axis, side="right") - 1
    return track.values[np.where(gaps, before.clip(0), index)], int(gaps.sum())


def _labelled(labels: Track, axis: np.ndarray, attributes: Sequence[str]) -> np.ndarray:
    index = nearest(labels.times, axis)
    values = labels.values[:, _places(labels, attributes)]
    return np.where((index >= 0)[:, None], values[index], np.float32(np.nan))
