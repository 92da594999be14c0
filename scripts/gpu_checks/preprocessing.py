"""`mmser preprocess` with a network on the device, and a loop that a user would write beside it."""

from __future__ import annotations

from pathlib import Path

import torch
from benchmark_preprocess import Wavs, network

from mmser.extraction.batches import core_count

CLIPS = {"cuda": 320, "cpu": 3}
TOLERANCE = 2e-3
"""Of features stored as float16, relative to the largest."""

PRECISIONS = ("float32", "bfloat16")


def preprocessing(precision: str, folder: Path, device: torch.device) -> str:
    """wav2vec 2.0 of base size over clips of noise, decoding and storing included."""
    place = folder / f"preprocessing-{precision}"
    place.mkdir()
    corpus = Wavs(place / "wavs", CLIPS[device.type])
    found = network(corpus, place, device.type, precision, core_count())
    if precision == "float32" and found.difference > TOLERANCE:
        raise AssertionError(f"{found.difference:.1e} from single clips")
    factor = found.ours * corpus.seconds / len(corpus.paths)
    return (
        f"{found.ours:.0f} clips/s ({factor:.0f}x real time), a bare loop {found.bare:.0f}; "
        f"difference {found.difference:.1e}"
    )
