"""A turn cut into pauses, nonverbal sounds and prosodic phrases: what the nonverbal-vocalization
system runs over.

Source: Hsu, Su, Wu, Chen, IEEE/ACM TASLP 29, 2021: silence detection, a support vector machine for
verbal or nonverbal, then phrases within what is verbal.

Differs:
    The published tagger of phrases is not described. Of its annotation criteria the pause above 0.3
    s, the highest point of a rising pitch contour and the lowest point of a falling intensity are
    rules here; the start of a lengthened ending is not looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import find_peaks

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.file_digest import digest
from mmser.core.weights import Weights
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.vocal.contours import (
    RATE,
    VOICED,
    Contours,
    contours_of,
    stretches,
    without_short,
)
from mmser.extractors.vocal.detector import VocalDetector, interval_features

BACKGROUND, VERBAL, NONVERBAL = 0, 1, 2
SMOOTH = 9
"""Frames over which contours are averaged before their extrema are sought."""


@dataclass(frozen=True)
class VocalSegments:
    """waveform -> segments that tile it, (segment, 3) float32: start and end in seconds, kind.

    Kind 0 is background (a pause), 1 verbal, 2 nonverbal.

    Args:
        detector: file of a `VocalDetector`; "" takes every sound for verbal.
        pause: seconds; a shorter silence cuts nothing.
        shortest: seconds; a shorter sound is background, and no phrase is shorter.
        silence_db: a frame so far below the loudest is silent.
        floor_db: dB of full scale; below it everything is silent.
        dip_db: least depth of a valley of intensity that ends a phrase.
        rise: semitones; least height of a peak of pitch that ends a phrase.
        phrase: seconds; least distance of two such ends.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    feature_size: ClassVar[int] = 3
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[int] = SAMPLE_RATE

    detector: str = ""
    pause: float = 0.3
    shortest: float = 0.1
    silence_db: float = 25.0
    floor_db: float = -60.0
    dip_db: float = 6.0
    rise: float = 3.0
    phrase: float = 0.3

    @property
    def checkpoint(self) -> Weights | None:
        """The file of the detector, if there is one."""
        return Weights(self.detector, what="the detector of voices") if self.detector else None

    def parameters(self) -> Mapping[str, Any]:
        """Every argument, the detector by its digest where the file is there."""
        path = Path(self.detector)
        known = f"sha256:{digest(path)}" if self.detector and path.is_file() else self.detector
        return {"extractor": "vocal_segments", **asdict(self), "detector": known}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (segment, 3) float32 array per clip, with its segments as spans."""
        return each_waveform(clips, self._features)

    @cached_property
    def _model(self) -> VocalDetector | None:
        return VocalDetector.load(self.detector) if self.detector else None

    def _features(self, waveform: np.ndarray) -> Features:
        contours = contours_of(waveform)
        ends: list[tuple[int, int]] = []
        for first, last, is_sound in self._sounds(contours):
            ends += self._cut(contours, first, last, is_sound)
        duration = len(waveform) / SAMPLE_RATE
        edges = np.array([last for last, _ in ends[:-1]]) / RATE
        edges = np.concatenate([[0.0], edges[edges < duration], [duration]])
        kinds = [kind for _, kind in ends][: len(edges) - 1]
        rows = np.column_stack([edges[:-1], edges[1:], kinds]).astype(np.float32)
        return Features(rows, spans=rows[:, :2].copy())

    def _sounds(self, contours: Contours) -> list[tuple[int, int, bool]]:
        """(first, last, whether it is sound) of each run of sound and of pause."""
        intensity = contours.intensity
        is_sound = (intensity > intensity.max() - self.silence_db) & (intensity > self.floor_db)
        if is_sound.any():
            is_sound = without_short(is_sound, False, round(self.pause * RATE))
        return stretches(without_short(is_sound, True, round(self.shortest * RATE)))

    def _cut(
        self, contours: Contours, first: int, last: int, is_sound: bool
    ) -> list[tuple[int, int]]:
        """(end, kind) of each segment of one run, in order."""
        if not is_sound:
            return [(last, BACKGROUND)]
        run = contours.cut(first, last)
        if self._model is not None and self._model.is_nonverbal(interval_features(run)[None])[0]:
            return [(last, NONVERBAL)]
        return [(first + end, VERBAL) for end in [*self._phrase_ends(run), last - first]]

    def _phrase_ends(self, run: Contours) -> list[int]:
        """Frames at which intensity has a valley or pitch a peak, at least ``phrase`` apart and
        from both edges.
        """
        least = round(self.phrase * RATE)
        intensity = uniform_filter1d(run.intensity, SMOOTH, mode="nearest")
        valleys, _ = find_peaks(-intensity, prominence=self.dip_db, distance=least)
        candidates = [*valleys.tolist(), *self._pitch_peaks(run, least)]
        ends: list[int] = []
        for frame in sorted(candidates):
            previous = ends[-1] if ends else 0
            if frame - previous >= least and len(intensity) - frame >= least:
                ends.append(frame)
        return ends

    def _pitch_peaks(self, run: Contours, least: int) -> list[int]:
        loud = run.intensity > run.intensity.max() - self.silence_db
        voiced = np.flatnonzero((run.voicing > VOICED) & loud)
        if len(voiced) < least:
            return []
        semitones = 12 * np.log2(np.interp(np.arange(len(run.pitch)), voiced, run.pitch[voiced]))
        # The median passes over the leaps that a pitch tracker makes where a sound sets in.
        smooth = uniform_filter1d(
            median_filter(semitones, 2 * SMOOTH + 1, mode="nearest"), SMOOTH, mode="nearest"
        )
        return find_peaks(smooth, prominence=self.rise, distance=least)[0].tolist()
