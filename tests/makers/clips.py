"""Clips that every extractor can be tried on: noise that is loud and soft, a sentence, a portrait
in the wheel.
"""

from __future__ import annotations

from functools import lru_cache

import matplotlib.cbook
import matplotlib.image
import numpy as np

from mmser.core.clip import Clip, Transcript
from mmser.core.utterance import Word

WORDS = ("Well,", "I", "don't", "know", "--", "it's", "half-empty!")


@lru_cache(maxsize=1)
def portrait() -> np.ndarray:
    """(height, width, 3) uint8: a public-domain photograph with one frontal face."""
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as stream:
        return np.ascontiguousarray(matplotlib.image.imread(stream, format="jpg")[::2, ::2])


def tone(seconds: float, hertz: float, amplitude: float = 0.5) -> np.ndarray:
    """(sample,) float32 sine at 16 kHz."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def speechlike(seconds: float, seed: int) -> np.ndarray:
    """(sample,) float32: a buzz and noise that come and go."""
    generator = np.random.default_rng(seed)
    count = round(seconds * 16_000)
    noise = generator.standard_normal(count).astype(np.float32) * 0.02
    envelope = np.sin(np.pi * np.arange(count) / count).astype(np.float32)
    return noise + envelope * tone(seconds, 140 + 20 * seed) * 0.5


def transcript(times: bool = True) -> Transcript:
    """Six spoken words, one of them contracted, one hyphenated, and a dash between."""
    words = tuple(
        Word(word, 0.1 * n, 0.1 * n + 0.1) for n, word in enumerate(WORDS) if word != "--"
    )
    return Transcript(" ".join(WORDS), "corpus", words if times else ())


def clip(number: int, seconds: float = 0.6) -> Clip:
    """A whole clip: waveform, transcript, two frames."""
    frames = np.stack([np.roll(portrait(), shift, axis=1) for shift in (0, 4 + number)])
    return Clip(f"clip{number}", speechlike(seconds, number), frames, 3.0, transcript())
