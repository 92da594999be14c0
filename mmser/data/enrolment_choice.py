"""How far a new speaker's scale is shrunk, chosen on training speakers who are enrolled in turn.

Each of them is held out: a ridge classifier learns from the others, who are scaled by all of their
utterances, and judges the one, who is scaled by a few. The factor on the estimated ``k`` with the
best mean recall of classes is taken, if it is better than the estimate itself by more than the
standard error of that difference over the speakers (the one-standard-error rule of Breiman et al.,
"Classification and regression trees", 1984). Nobody outside the training split is heard.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmser.core.batch import UNLABELLED
from mmser.data.enrolment import SpeakerMoments, chosen, fit_prior, times
from mmser.data.scaling import Scale
from mmser.settings.stream import StreamSpec

FACTORS = (1.0, 0.5, 0.25)
"""The first is the estimate itself; of equally good ones the first is taken.

Nothing smaller: a handful of training speakers often speaks for it, and which utterances a new one
happens to be enrolled with then decides too much.
"""

DRAWS = 4
"""How often each speaker is enrolled, by other utterances each time."""

MOST_SPEAKERS, MOST_ROWS = 12, 4000
"""More are not held out, and not learnt from: evenly spaced ones stand for all."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class HeardSpeaker:
    """A training speaker: moments, ``seconds`` and class indices ``labels`` of each utterance."""

    name: str
    moments: SpeakerMoments
    seconds: np.ndarray
    labels: np.ndarray


def chosen_factor(speakers: Sequence[HeardSpeaker], spec: StreamSpec) -> float:
    """One of FACTORS; 1 where fewer than three speakers can be compared."""
    usable = [one for one in speakers if one.moments.utterances > 1]
    labelled = [one for one in usable if len(_classes(one)) > 1]
    if len(usable) < 3 or len(labelled) < 2:
        return 1.0
    held = [labelled[place] for place in _evenly(len(labelled), MOST_SPEAKERS)]
    recalls = np.array([_recalls(one, usable, spec) for one in held])  # (speaker, factor)
    scores = recalls.mean(axis=0)
    best = int(np.argmax(np.round(scores, 6)))
    gains = recalls[:, best] - recalls[:, 0]
    if gains.mean() <= gains.std(ddof=1) / np.sqrt(len(held)):
        best = 0
    _log.info(
        "enrolment: the training speakers are worth %g times what their variances say "
        "(UA %.1f of %d of them held out; %.1f at 1)",
        FACTORS[best],
        100 * scores[best],
        len(held),
        100 * scores[0],
    )
    return FACTORS[best]


def _recalls(one: HeardSpeaker, speakers: Sequence[HeardSpeaker], spec: StreamSpec) -> np.ndarray:
    """(factor,) mean recall of the classes of ``one``, over the draws."""
    from sklearn.linear_model import RidgeClassifier

    others = [other for other in speakers if other is not one]
    vectors = np.concatenate([_vectors(each, each.moments.whole.scale()) for each in others])
    labels = np.concatenate([each.labels for each in others])
    known = np.flatnonzero(labels != UNLABELLED)
    rows = known[_evenly(len(known), MOST_ROWS)]
    if len(np.unique(labels[rows])) < 2:
        return np.zeros(len(FACTORS))
    # A penalty as large as the square of a vector of z-scores.
    classifier = RidgeClassifier(alpha=vectors.shape[1]).fit(vectors[rows], labels[rows])
    prior = fit_prior([other.moments for other in others])
    places = {str(place): place for place in range(one.moments.utterances)}
    recalls = np.zeros(len(FACTORS))
    for draw in range(DRAWS):
        drawn = replace(spec, enrol_order="random", enrol_seed=draw)
        enrolled = one.moments.only(
            [places[name] for name in chosen(list(places), list(one.seconds), one.name, drawn)]
        )
        for number, factor in enumerate(FACTORS):
            scale = times(prior, factor).scale(enrolled)
            recalls[number] += _recall(one, classifier.predict(_vectors(one, scale))) / DRAWS
    return recalls


def _vectors(one: HeardSpeaker, scale: Scale) -> np.ndarray:
    """(utterance, feature) means over time on a scale."""
    means = np.stack(one.moments.means)
    scaled: np.ndarray = ((means - scale.mean) / scale.deviation).reshape(len(means), -1)
    return scaled


def _recall(one: HeardSpeaker, told: np.ndarray) -> float:
    return float(np.mean([np.mean(told[one.labels == name] == name) for name in _classes(one)]))


def _classes(one: HeardSpeaker) -> np.ndarray:
    names = np.unique(one.labels)
    return names[names != UNLABELLED]


def _evenly(count: int, most: int) -> list[int]:
    """Places of at most so many of ``count`` items, evenly spaced."""
    places: list[int] = np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist()
    return places
