"""A planned line as sound, word times and pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.utterance import Word
from mmser.corpora.synthetic.portrait import face
from mmser.corpora.synthetic.script import Line, Speaker
from mmser.corpora.synthetic.voice import speak

FRAME_RATE = 10
"""Pictures per second of the videos."""
MARGIN = 0.1
"""Seconds of room before and after the speech of an utterance."""
NOISE = 1e-3
"""Standard deviation of the room's noise."""
SWAY = 3
"""A speaker's head is up to this many pixels off its place, anew in each utterance."""


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """One utterance as performed: waveform (sample,) at 16 kHz, words in seconds from its start."""

    line: Line
    waveform: np.ndarray
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return len(self.waveform) / SAMPLE_RATE

    def picture(self, time: float) -> np.ndarray:
        """The speaker at ``time`` seconds, mouth open by loudness: (height, width, 3) uint8."""
        random = np.random.default_rng(self.line.seed)
        x, y = (int(v) for v in random.integers(-SWAY, SWAY + 1, size=2))
        at = int(time * SAMPLE_RATE)
        near = self.waveform[max(0, at - 400) : at + 400]
        loudness = (
            np.sqrt(np.mean(near**2)) / np.sqrt(np.mean(self.waveform**2)) if len(near) else 0.0
        )
        return face(
            self.line.speaker,
            self.line.cues.face,
            int(loudness > 0.4) + int(loudness > 1.1),
            (x, y),
        )


def perform(line: Line) -> Performance:
    """Say a line; the utterance begins and ends with `MARGIN` seconds of room."""
    speech, words = speak(line.text, line.speaker.voice, line.manner)
    room = np.zeros(round(MARGIN * SAMPLE_RATE), dtype=np.float32)
    waveform = np.concatenate([room, speech, room])
    noise = np.random.default_rng(line.seed).standard_normal(len(waveform), dtype=np.float32)
    shifted = tuple(Word(word.text, word.start + MARGIN, word.end + MARGIN) for word in words)
    return Performance(line, np.clip(waveform + np.float32(NOISE) * noise, -1, 1), shifted)


def listening(speaker: Speaker) -> np.ndarray:
    """The speaker while silent: (height, width, 3) uint8."""
    return face(speaker, "neutral", 0)
