"""How long the utterances were that a system was trained on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.layout import duration

if TYPE_CHECKING:
    import pandas as pd

    from mmser.cache.feature_store import FeatureStore

ROUNDING = 0.1
"""Seconds by which lengths from features or headers may be wrong.

The cause is a window of analysis, or a codec's last packet.
"""

_log = logging.getLogger(__name__)

FACTOR = 2.0
"""A warning names segments whose median length differs from training's by more than this."""


@dataclass(frozen=True, slots=True)
class TrainingLengths:
    """Seconds of the shortest, the median and the longest utterance."""

    shortest: float
    median: float
    longest: float

    def holds(self, seconds: float) -> bool:
        """Whether a recording of ``seconds`` is no longer than the longest utterance."""
        return 0 < seconds <= self.longest + ROUNDING

    def compare(self, seconds: Sequence[float]) -> str:
        """How segments of these lengths differ from the training's, in words.

        "" where they do not.
        """
        lengths = np.asarray(seconds, dtype=np.float64)
        middle = float(np.median(lengths))
        short = float(np.mean(lengths < self.shortest - ROUNDING))
        long = float(np.mean(lengths > self.longest + ROUNDING))
        if middle * FACTOR < self.median or short > 0.5:
            what = "shorter"
        elif middle > self.median * FACTOR or long > 0.5:
            what = "longer"
        else:
            return ""
        subject = f"its {middle:.1f} s are"
        if len(lengths) > 1:
            span = f"{lengths.min():.1f} to {lengths.max():.1f} s"
            subject = f"{len(lengths)} segments of {span} (median {middle:.1f} s) are"
        training = f"{self.shortest:.1f} to {self.longest:.1f} s (median {self.median:.1f} s)"
        return f"{subject} {what} than what training heard, {training}"


def training_lengths(
    manifest: pd.DataFrame, assignment: pd.DataFrame, stores: Mapping[str, FeatureStore]
) -> TrainingLengths | None:
    """The lengths of the utterances in the training split of any fold.

    None where nothing tells how long they were.

    An utterance that the manifest gives a start and an end is that long; others as long as their
    features, or as their media files where all features have one length (an extractor that cuts and
    pads).
    """
    training = set(assignment.loc[assignment[SPLIT_COLUMN] == "train", "id"])
    rows = manifest[manifest["id"].isin(training)]
    stated = rows["end"].astype("float64") - rows["start"].astype("float64")
    lengths = [float(seconds) for seconds in stated.dropna()]
    rest = rows[stated.isna()]
    measured = _of_features(list(rest["id"]), stores)
    # Features of one length come from an extractor that cuts and pads: they do not tell.
    all_equal = len(measured) > 1 and max(measured) - min(measured) < 1e-6
    if not measured or all_equal:
        measured = _of_files(rest) or measured
    lengths += measured
    if not lengths:
        return None
    return TrainingLengths(min(lengths), float(np.median(lengths)), max(lengths))


def log_unknown_lengths(name: str, why: str) -> None:
    """One line: what follows where the lengths are not known."""
    _log.warning(
        "%s: how long its training utterances were is not known, %s; recordings are cut at pauses "
        "unless --whole or --segments say otherwise",
        name,
        why,
    )


def _of_features(ids: Sequence[str], stores: Mapping[str, FeatureStore]) -> list[float]:
    """Seconds of the longest stream with a frame rate of each utterance that has one."""
    lengths = []
    for identifier in ids:
        ends = []
        for store in stores.values():
            rate = store.frame_rate(identifier) if identifier in store else None
            if rate:
                ends.append(store.length(identifier) / rate)
        if ends:
            lengths.append(max(ends))
    return lengths


def _of_files(rows: pd.DataFrame) -> list[float]:
    """Seconds by the headers of the media that are still there."""
    nothing = [None] * len(rows)
    audio_paths = rows.get("audio_path", nothing)
    video_paths = rows.get("video_path", nothing)
    paths = [audio or video for audio, video in zip(audio_paths, video_paths, strict=True)]
    lengths = [duration(Path(path)) for path in paths if isinstance(path, str)]
    return [seconds for seconds in lengths if seconds and seconds < inf]
