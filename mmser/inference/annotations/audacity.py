"""Audacity's label track: start, end (s) and label, separated by tabs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mmser.inference.annotations.tracks import CONFIDENCE, EMOTION, TEXT, tracks_of


def write_audacity(table: pd.DataFrame, recording: Path, seconds: float, target: Path) -> None:
    """The emotion alone, or the values (``valence 0.1200, arousal 0.3000``) where none is named."""
    tracks = tracks_of(table)
    lines: dict[tuple[int, int], list[str]] = {}
    values = [name for name in tracks if name not in (EMOTION, CONFIDENCE, TEXT)]
    for name in [EMOTION] if EMOTION in tracks else values:
        for mark in tracks[name]:
            word = mark.label if name == EMOTION else f"{name} {mark.label}"
            lines.setdefault((mark.start, mark.end), []).append(word)
    rows = [
        f"{start / 1000:.6f}\t{end / 1000:.6f}\t{', '.join(words)}\n"
        for (start, end), words in sorted(lines.items())
    ]
    target.write_text("".join(rows), encoding="utf-8")
