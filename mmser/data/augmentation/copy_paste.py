"""CopyPaste: an utterance joined to a neutral one, or to one of the same emotion, keeps its label.

Source: Pappagari et al., "CopyPaste: an augmentation method for speech emotion recognition", ICASSP
2021.

Differs:
    The partner is drawn from the whole training split rather than from the batch at hand, and
    chance decides utterance by utterance rather than batch by batch: a sample's change depends on
    nothing but (seed, epoch, utterance). With MFCCs instead of waveforms the frames are joined;
    voice detection and mean normalisation come after, in the network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.batch import UNLABELLED
from mmser.core.errors import MmserError, UsageError
from mmser.data.checks import check_probability
from mmser.data.dataset import Samples
from mmser.data.sample import Sample, Track

Scheme = Literal["neutral", "same", "both"]
Partner = Literal["any", "same_speaker"]


class CopyPaste:
    """With ``probability``, ``[c_i ; c_j]`` or ``[c_j ; c_i]`` (even odds) instead of ``c_i``.

    ``scheme``: N-CP ``neutral`` (partner neutral), SE-CP ``same`` (partner of the same emotion,
    never itself), N+SE-CP ``both`` (either, equally often). Both are random crops of at most
    ``seconds``; ``crop`` also cuts utterances that are not joined. ``neutral`` is the name of the
    neutral class. ``partner``: ``any`` utterance, or one of the ``same_speaker``. An utterance
    without a partner stays alone; where a partner's speaker or gender is another, the joined
    utterance has none.
    """

    after_limit: ClassVar[bool] = False

    def __init__(
        self,
        stream: str = "audio",
        scheme: Scheme = "both",
        probability: float = 0.8,
        seconds: float = 4.0,
        neutral: str = "neutral",
        crop: bool = True,
        partner: Partner = "any",
    ) -> None:
        if partner not in ("any", "same_speaker"):
            raise UsageError("partner any or same_speaker", f"'{partner}'", "Choose one.")
        if scheme not in ("neutral", "same", "both"):
            raise UsageError(
                "scheme neutral, same or both",
                f"'{scheme}'",
                "N-CP is neutral, SE-CP same, N+SE-CP both.",
            )
        self.stream, self.scheme, self.probability = stream, scheme, check_probability(probability)
        self.seconds, self.neutral, self.crop, self.partner = seconds, neutral, crop, partner
        self._ids: tuple[str, ...] | None = None
        self._rows: dict[str, np.ndarray] = {}
        self._place: dict[str, int] = {}

    def __call__(
        self, sample: Sample, generator: np.random.Generator, epoch: int, samples: Samples
    ) -> Sample:
        # All draws come first and always: which partner is had never shifts what the next number
        # means.
        joined, from_neutral, behind = generator.random(3)
        track = sample.streams.get(self.stream)
        if track is None:
            return sample
        pasting = bool(joined < self.probability)
        own = self._cropped(track, generator) if self.crop or pasting else track
        partner = (
            self._partner(sample.id, from_neutral < 0.5, samples, generator) if pasting else None
        )
        if partner is None:
            return replace(sample, streams=sample.streams | {self.stream: own})
        partner_sample = samples.sample(partner)
        other = partner_sample.streams.get(self.stream)
        if other is None:
            return replace(sample, streams=sample.streams | {self.stream: own})
        other = self._cropped(other, generator)
        halves = (own.values, other.values) if behind < 0.5 else (other.values, own.values)
        pasted = Track(np.concatenate(halves), track.frame_rate)
        streams = sample.streams | {self.stream: pasted}
        return replace(
            sample, streams=streams, targets=_of_both(sample, partner_sample), duration=None
        )

    def _partner(
        self, own: str, from_neutral: bool, samples: Samples, generator: np.random.Generator
    ) -> str | None:
        """The id of a training utterance to be joined to ``own``, None when there is none."""
        rows, place = self._indexed(samples)
        label = samples.labels[place[own]] if own in place else None
        if label is None:
            return None
        if self.scheme != "same" and self.neutral not in rows:
            raise MmserError(
                f"a class '{self.neutral}' in training",
                ", ".join(sorted(name for name in rows if name)),
                "Set the augmentation's neutral.",
            )
        neutral = self.scheme == "neutral" or (self.scheme == "both" and from_neutral)
        candidates = rows[self.neutral if neutral else label]
        candidates = candidates[candidates != place[own]]
        if self.partner == "same_speaker":
            speaker = samples.speakers[place[own]]
            candidates = candidates[[samples.speakers[row] == speaker for row in candidates]]
        if not len(candidates):
            return None
        return samples.ids[candidates[generator.integers(len(candidates))]]

    def _indexed(self, samples: Samples) -> tuple[dict[str, np.ndarray], dict[str, int]]:
        """Rows by label and the place of each id, made once per training split."""
        if self._ids is not samples.ids:
            labels = np.array([label or "" for label in samples.labels])
            self._ids = samples.ids
            self._rows = {str(name): np.flatnonzero(labels == name) for name in np.unique(labels)}
            self._place = {identifier: row for row, identifier in enumerate(samples.ids)}
        return self._rows, self._place

    def _cropped(self, track: Track, generator: np.random.Generator) -> Track:
        """At most ``seconds`` from a random place."""
        if track.frame_rate is None:
            raise MmserError(
                f"a frame rate in stream '{self.stream}'",
                "none",
                "Join a stream of evenly spaced steps.",
            )
        steps = round(self.seconds * track.frame_rate)
        first = int(generator.integers(max(1, len(track) - steps + 1)))
        return track.cut(first, steps) if len(track) > steps else track


def _of_both(sample: Sample, other: Sample) -> dict[str, Any]:
    """The sample's targets; of two speakers or genders none can be told."""
    targets = dict(sample.targets)
    for key in ("speaker", "gender"):
        if key in targets and targets[key] != other.targets.get(key):
            targets[key] = np.int64(UNLABELLED)
    return targets
