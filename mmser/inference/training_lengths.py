"""How long the utterances were that a system was trained on: what it knows as one utterance."""

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
"""Seconds that lengths read off features or headers may be off: a window of analysis, a codec's
last packet.
"""

_log = logging.getLogger(__name__)

FACTOR = 2.0
"""Segments whose middle length is further than this from that of training are told."""


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
        """How segments of these lengths differ from the training's, in words; "" where they are of
        its kind.
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
        range_ = (
            f"{len(lengths)} segments of {lengths.min():.1f} to {lengths.max():.1f} s "
            f"(median {middle:.1f} s) are"
        )
        return (
            f"{range_ if len(lengths) > 1 else f'its {middle:.1f} s are'} {what} than what "
            f"training heard, {self.shortest:.1f} to {self.longest:.1f} s (median "
            f"{self.median:.1f} s)"
        )


def training_lengths(
    manifest: pd.DataFrame, assignment: pd.DataFrame, stores: Mapping[str, FeatureStore]
) -> TrainingLengths | None:
    """Of the utterances that are in the training split of any fold; None where nothing tells how
    long they were.

    An utterance that the manifest gives a start and an end is that long; others as long as their
    features, or as their media files where all features have one length (an extractor that cuts and
    pads).
    """
    training = set(assignment.loc[assignment[SPLIT_COLUMN] == "train", "id"])
    rows = manifest[manifest["id"].isin(training)]
    stated = rows["end"].astype("float64") - rows["start"].astype("float64")
    known = [float(seconds) for seconds in stated.dropna()]
    rest = rows[stated.isna()]
    featured = _of_features(list(rest["id"]), stores)
    if not featured or (len(featured) > 1 and max(featured) - min(featured) < 1e-6):
        featured = _of_files(rest) or featured
    known += featured
    if not known:
        return None
    return TrainingLengths(min(known), float(np.median(known)), max(known))


def tell_unknown(name: str, why: str) -> None:
    """One line: what follows where the lengths are not known."""
    _log.warning(
        "%s: how long its training utterances were is not known, %s; recordings are cut at pauses "
        "unless --whole or --segments say otherwise",
        name,
        why,
    )


def _of_features(ids: Sequence[str], stores: Mapping[str, FeatureStore]) -> list[float]:
    """Seconds of the longest stream with a frame rate of each utterance that has one."""
    found = []
    for identifier in ids:
        ends = [
            store.length(identifier) / rate
            for store in stores.values()
            if identifier in store and (rate := store.frame_rate(identifier))
        ]
        found += [max(ends)] if ends else []
    return found


def _of_files(rows: pd.DataFrame) -> list[float]:
    """Seconds by the headers of the media that are still there."""
    columns = [
        list(rows[name]) if name in rows else [None] * len(rows)
        for name in ("audio_path", "video_path")
    ]
    named = [audio or video for audio, video in zip(*columns, strict=True)]
    found = (duration(Path(path)) for path in named if isinstance(path, str))
    return [seconds for seconds in found if seconds and seconds < inf]
