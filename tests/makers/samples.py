"""Samples for the tests of augmentations, and the training split that these may ask."""

from __future__ import annotations

import numpy as np

from mmser.data.sample import Sample, Track

TIME = np.arange(16000) / 16000
"""One second at 16 kHz."""


class Nobody:
    """A training split without utterances."""

    ids: tuple[str, ...] = ()


class Speakers:
    """Three training utterances, each a tone; the first is the one being augmented."""

    ids = ("a", "b", "c")
    labels = (None, None, None)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def sample(self, identifier: str) -> Sample:
        self.asked.append(identifier)
        return Sample(identifier, {"audio": tone({"a": 100, "b": 500, "c": 1000}[identifier])}, {})


def tone(hertz: float) -> Track:
    return Track(np.sin(2 * np.pi * hertz * TIME).astype(np.float32), 16000.0)


def sample(steps: int = 200, size: int = 30, **streams: Track | None) -> Sample:
    values = np.random.default_rng(0).normal(size=(steps, size)).astype(np.float32)
    return Sample("u", {"audio": Track(values, 100.0)} | streams, {})


def change(augmentation, given: Sample, seed: int) -> Sample:
    return augmentation(given, np.random.default_rng(seed), 0, Nobody())
