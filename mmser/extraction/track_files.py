"""Features and labels over time as the AVEC challenges ship them.

They are a folder with one csv per recording.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmser.core.clip import Features
from mmser.core.errors import MmserError
from mmser.corpora.avec_csv import Track, read_folder

EVEN = 0.01
"""Share of a hop by which evenly spaced timestamps may be off."""


def read_tracks(folder: str | Path) -> dict[str, Features]:
    """{recording: (time, feature) with its times} from ``name;timestamp;f1;f2;...``.

    The header may be missing. A row stands for the stretch from its timestamp to one hop (the
    median) later. Rows with an empty or NaN cell are left out: alignment masks the grid cells that
    only they would fill. Raises MmserError as `mmser.corpora.avec_csv.read_folder`, and when a
    recording has no whole row.
    """
    return {
        name: _features(track)
        for name, track in read_folder(folder, gold=True, headless=True).items()
    }


def _features(track: Track) -> Features:
    whole = np.isfinite(track.values).all(axis=1)
    if not whole.any():
        raise MmserError(
            f"rows without an empty cell in {track.path}", "none", "Remove the file or fill it."
        )
    times, values = track.times[whole], track.values[whole]
    hop = float(np.median(np.diff(track.times))) if len(track.times) > 1 else 1.0
    even = np.abs(times - np.arange(len(times)) * hop).max() < EVEN * hop
    notes = f"{int((~whole).sum())} rows with empty cells left out" if not whole.all() else ""
    if even:
        return Features(values, round(1.0 / hop, 6), notes=notes)
    # A hair shorter than the hop: spans are kept as float32, whose rounding must not reach into the
    # next grid cell.
    spans = np.stack([times + EVEN * hop, times + (1 - EVEN) * hop], axis=1)
    return Features(values, None, spans.astype(np.float32), notes)
