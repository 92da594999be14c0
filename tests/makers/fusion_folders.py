"""Made-up models' folders and labels for the tests of late fusion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmser.corpora.avec_csv import write_track

ATTRIBUTES = ("arousal", "valence")


def smooth_noise(
    generator: np.random.Generator, frames: int, channels: int, width: int = 15
) -> np.ndarray:
    """(frame, channel) float32: white noise under a moving average, unit variance."""
    kernel = np.ones(width) / np.sqrt(width)
    white = generator.standard_normal((frames + width - 1, channels))
    return np.stack(
        [np.convolve(white[:, i], kernel, mode="valid") for i in range(channels)], axis=1
    ).astype(np.float32)


def write_folder(
    folder: Path,
    tracks: dict[str, np.ndarray],
    attributes: tuple[str, ...] = ATTRIBUTES,
    hop: float = 0.1,
) -> Path:
    """One csv per recording from values (frame, attribute)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in tracks.items():
        write_track(folder / f"{name}.csv", name, np.arange(len(values)) * hop, values, attributes)
    return folder


def write_study(
    root: Path, subjects: int = 6, frames: int = 80, models: int = 2
) -> tuple[list[Path], Path, list[str]]:
    """Labels of ``subjects`` recordings, and models whose outputs are the labels with noise."""
    generator = np.random.default_rng(0)
    names = [f"Devel_{i:02d}" for i in range(1, subjects + 1)]
    gold = {name: 0.2 * smooth_noise(generator, frames, 2) for name in names}
    folders = []
    for model in range(models):
        noisy = {n: v + 0.15 * smooth_noise(generator, frames, 2, 5) for n, v in gold.items()}
        folders.append(write_folder(root / f"model_{model}", noisy))
    return folders, write_folder(root / "gold", gold), names
