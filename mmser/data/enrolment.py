"""A new speaker's scale from a few of their recordings, shrunk towards the training speakers.

Source: Efron and Morris, "Stein's estimation rule and its competitors: an empirical Bayes
approach", JASA 68, 1973. Mean and logarithm of the variance of each coefficient are taken as drawn
around those of the training speakers. ``n`` enrolled utterances weigh ``n / (n + k)`` against them,
where ``k`` is how much more the utterances of one speaker differ than the speakers do: both
variances are estimated on the training speakers alone, without labels. Utterances are counted, not
frames, as those of one utterance resemble each other. That is the best guess of a speaker's
statistics; how much of it serves the classes best is another question, which
`mmser.data.enrolment_choice` asks of the training speakers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.scaling import SMALLEST_DEVIATION, Moments, Scale, SpeakerScaler

if TYPE_CHECKING:
    from mmser.settings.stream import StreamSpec

SMALLEST_VARIANCE = SMALLEST_DEVIATION**2
NEVER = 1e9
"""The ``k`` of a coefficient in which speakers do not differ: enrolment says nothing of it."""


@dataclass(slots=True)
class SpeakerMoments:
    """What the utterances of one speaker say of each coefficient, utterance by utterance."""

    whole: Moments = field(default_factory=Moments)
    counts: list[int] = field(default_factory=list)
    means: list[np.ndarray] = field(default_factory=list)
    variances: list[np.ndarray] = field(default_factory=list)

    def add(self, frames: np.ndarray) -> None:
        """Take in an utterance (time, *feature); one without frames says nothing."""
        if not len(frames):
            return
        own = Moments()
        own.add(frames)
        self.whole.add(frames)
        self.counts.append(own.count)
        # One of each per utterance of a corpus: half the memory.
        self.means.append(np.asarray(own.mean, dtype=np.float32))
        self.variances.append(np.asarray(own.squares / own.count, dtype=np.float32))

    @property
    def utterances(self) -> int:
        """How many there are."""
        return len(self.means)

    def variance(self) -> np.ndarray:
        """(*feature) of all frames, unbiased in the number of utterances."""
        spread = np.asarray(self.whole.squares) / self.whole.count
        return spread * (self.utterances / (self.utterances - 1))

    def only(self, places: Sequence[int]) -> SpeakerMoments:
        """Those of the utterances at ``places``."""
        counts = [self.counts[place] for place in places]
        means = [self.means[place] for place in places]
        variances = [self.variances[place] for place in places]
        if not places:
            return SpeakerMoments()
        weights = np.array(counts, dtype=np.float64).reshape((-1,) + (1,) * means[0].ndim)
        mean = (weights * means).sum(axis=0) / weights.sum()
        squares = (weights * (variances + np.square(means - mean))).sum(axis=0)
        return SpeakerMoments(Moments(sum(counts), mean, squares), counts, means, variances)


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What is expected of a speaker who was never heard, each (*feature) float32.

    ``mean_count`` and ``variance_count`` are the number of utterances that it is worth (``k``).
    """

    mean: np.ndarray
    log_variance: np.ndarray
    mean_count: np.ndarray
    variance_count: np.ndarray

    def scale(self, enrolled: SpeakerMoments | None = None) -> Scale:
        """The scale of a speaker of whom these utterances are known (None or empty: nothing)."""
        mean, log_variance = self.mean.astype(np.float64), self.log_variance.astype(np.float64)
        count = enrolled.utterances if enrolled else 0
        if enrolled and count:
            weight = count / (count + self.mean_count)
            mean = weight * np.asarray(enrolled.whole.mean) + (1 - weight) * mean
        if enrolled and count > 1:
            weight = (count - 1) / (count - 1 + self.variance_count)
            own = np.log(np.maximum(enrolled.variance(), SMALLEST_VARIANCE))
            log_variance = weight * own + (1 - weight) * log_variance
        deviation = np.exp(log_variance / 2)
        # A coefficient that never moves is only centred.
        deviation = np.where(deviation < 2 * SMALLEST_DEVIATION, 1.0, deviation)
        return Scale(mean.astype(np.float32), deviation.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class EnrolledScaler:
    """One scale per speaker name, and the prior by which a new speaker is enrolled."""

    scales: Mapping[str, Scale]
    prior: Prior

    def __call__(self, frames: np.ndarray, speaker: str) -> np.ndarray:
        return SpeakerScaler(self.scales)(frames, speaker)


def times(prior: Prior, factor: float) -> Prior:
    """The prior, worth ``factor`` times as many utterances."""
    return replace(
        prior,
        mean_count=prior.mean_count * np.float32(factor),
        variance_count=prior.variance_count * np.float32(factor),
    )


def fit_prior(speakers: Sequence[SpeakerMoments], count: float | None = None) -> Prior:
    """The prior of the training speakers; ``count`` is ``k`` where it is not to be estimated.

    Raises MmserError with fewer than two speakers of two utterances each.
    """
    usable = [one for one in speakers if one.utterances > 1]
    if len(usable) < 2:
        raise MmserError(
            "two training speakers or more, of two utterances each, to shrink enrolment towards",
            f"{len(usable)}",
            "Use normalise=zscore, or another protocol.",
        )
    means = np.stack([np.asarray(one.whole.mean) for one in usable])
    logs = np.log(np.maximum([one.variance() for one in usable], SMALLEST_VARIANCE))
    noise = np.array([_sampling_variances(one) for one in usable])
    utterances = np.array([one.utterances for one in usable])
    if count is None:
        mean_count = _worth(means, noise[:, 0], utterances)
        variance_count = _worth(logs, noise[:, 1], utterances)
    else:
        mean_count = variance_count = np.full(means.shape[1:], count)
    parts = (means.mean(axis=0), logs.mean(axis=0), mean_count, variance_count)
    return Prior(*(part.astype(np.float32) for part in parts))


def _sampling_variances(one: SpeakerMoments) -> tuple[np.ndarray, np.ndarray]:
    """How much mean and log variance of a single utterance vary within a speaker, (*feature).

    The latter by the first term of its Taylor series.
    """
    means, centre = np.stack(one.means), np.asarray(one.whole.mean)
    squares = np.stack(one.variances) + np.square(means - centre)
    total = np.maximum(one.variance(), SMALLEST_VARIANCE)
    return means.var(axis=0, ddof=1), squares.var(axis=0, ddof=1) / np.square(total)


def _worth(values: np.ndarray, noise: np.ndarray, utterances: np.ndarray) -> np.ndarray:
    """``k`` of each coefficient: variance within over variance between speakers.

    From (speaker, *feature) values of whole speakers, and (speaker, *feature) what they would vary
    by from utterance to utterance.
    """
    shape = (-1,) + (1,) * (values.ndim - 1)
    within = noise.mean(axis=0)
    between = values.var(axis=0, ddof=1) - (noise / utterances.reshape(shape)).mean(axis=0)
    return np.minimum(within / np.maximum(between, within / NEVER + SMALLEST_VARIANCE), NEVER)


def chosen(
    ids: Sequence[str], seconds: Sequence[float], speaker: str, spec: StreamSpec
) -> list[str]:
    """The utterances of one speaker by whom they are enrolled, in the order of enrolment.

    ``seconds`` are their lengths, NaN where unknown; needed where ``spec.enrol_seconds`` is set.
    """
    order = list(range(len(ids)))
    if spec.enrol_order == "random":
        entropy = [spec.enrol_seed, zlib.crc32(speaker.encode())]
        order = np.random.default_rng(entropy).permutation(len(ids)).tolist()
    if spec.enrol_seconds is None:
        return [ids[place] for place in order[: spec.enrol]]
    lengths = np.asarray(seconds, dtype=np.float64)[order]
    if np.isnan(lengths).any():
        raise MmserError(
            f"the length of every utterance of {speaker}, for enrol_seconds",
            "none in the manifest",
            "Enrol by their number: streams.<name>.enrol=10 streams.<name>.enrol_seconds=null.",
        )
    before = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    return [
        ids[place] for place, begun in zip(order, before, strict=True) if begun < spec.enrol_seconds
    ]


def moments_of(arrays: Iterable[np.ndarray]) -> SpeakerMoments:
    """Of utterances, each (time, *feature)."""
    moments = SpeakerMoments()
    for frames in arrays:
        moments.add(frames)
    return moments
