"""A Praat TextGrid: one interval tier per track (long text format, UTF-8)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mmser.inference.annotations.tracks import EMOTION, Mark, tiers_of, tracks_of


def write_textgrid(table: pd.DataFrame, recording: Path, seconds: float, target: Path) -> None:
    """The gaps between segments are empty intervals, as Praat draws them."""
    from praatio.data_classes.interval_tier import IntervalTier
    from praatio.data_classes.textgrid import Textgrid
    from praatio.utilities.constants import Interval

    # Milliseconds like the marks, so that the last one does not end after the recording.
    tiers: dict[str, list[Mark]] = tiers_of(tracks_of(table)) or {EMOTION: []}
    ends = [mark.end for marks in tiers.values() for mark in marks]
    length = max([round(1000 * seconds), 1, *ends]) / 1000
    grid = Textgrid(0, length)
    for name, marks in tiers.items():
        entries = [Interval(mark.start / 1000, mark.end / 1000, mark.label) for mark in marks]
        grid.addTier(IntervalTier(name, entries, 0, length))
    grid.save(str(target), format="long_textgrid", includeBlankSpaces=True)
