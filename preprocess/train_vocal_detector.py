"""Fit the detector of nonverbal sounds on labelled intervals: a csv with the columns path, start,
end, nonverbal.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError
from mmser.core.tables import require_columns
from mmser.core.utterance import Utterance
from mmser.extractors.vocal.contours import RATE, contours_of
from mmser.extractors.vocal.detector import fit_detector, interval_features
from mmser.media.decode import decode_clips
from mmser.protocols.words import as_numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="csv: path,start,end (seconds),nonverbal (0 or 1)")
    parser.add_argument("out", help="the file to write, e.g. weights/vocal_detector.safetensors")
    parser.add_argument("--cost", type=float, default=1.0, help="C of the support vector machine")
    options = parser.parse_args()
    try:
        table = read_csv_file(options.table)
        require_columns(table, ("path", "start", "end", "nonverbal"), options.table)
        table = table.assign(
            **{name: as_numbers(table[name], name) for name in ("start", "end", "nonverbal")}
        )
        parts = [
            (features_of(str(path), rows), rows) for path, rows in table.groupby("path", sort=True)
        ]
        features = np.concatenate([part for part, _ in parts])
        nonverbal = np.concatenate([rows["nonverbal"].to_numpy(bool) for _, rows in parts])
        detector = fit_detector(features, nonverbal, options.cost)
        right = (detector.is_nonverbal(features) == nonverbal).mean()
        detector.save(options.out)
        print(
            f"{len(features)} intervals, {nonverbal.sum()} of them nonverbal; {right:.1%} right "
            "on these themselves"
        )
    except (MmserError, OSError) as error:
        parser.exit(1, f"{error}\n")


def features_of(path: str, rows: pd.DataFrame) -> np.ndarray:
    """(interval, feature) of one recording."""
    (clip,) = decode_clips(_alone(path), want_audio=True, want_frames=False)
    if clip.waveform is None:
        raise MmserError(
            f"sound in {path}",
            clip.failures[0].reason if clip.failures else "none",
            "Leave it out.",
        )
    contours = contours_of(clip.waveform)
    frames = (rows[["start", "end"]].to_numpy() * RATE).round().astype(int).tolist()
    return np.stack(
        [interval_features(contours.cut(first, max(first + 1, last))) for first, last in frames]
    )


def _alone(path: str) -> Sequence[Utterance]:
    return [Utterance(id=path, corpus="intervals", speaker="", audio_path=Path(path))]


if __name__ == "__main__":
    main()
