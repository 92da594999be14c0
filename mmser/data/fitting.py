"""Fits `Transforms` on the training split of a fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.dataset import Facts, limit_track, read_track
from mmser.data.enrolment import (
    EnrolledScaler,
    Prior,
    SpeakerMoments,
    chosen,
    fit_prior,
    moments_of,
    times,
)
from mmser.data.enrolment_choice import HeardSpeaker, chosen_factor
from mmser.data.minmax import MinMaxScaler, fit_range
from mmser.data.scaling import Scale, Scaler, SpeakerScaler, fit_scale
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transform, Transforms
from mmser.data.vocabulary import fit_vocabulary

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore

ENROLMENT = "speaker_zscore_enrolment"


def fit_transforms(
    facts: Mapping[str, Facts],
    stores: Mapping[str, FeatureStore],
    specs: Mapping[str, StreamSpec],
) -> Transforms:
    """Scalers and vocabularies of the streams that ask for one; ``facts`` are keyed by split.

    They are fitted on the steps the model will see (after the limit), of the training split alone.
    A `SpeakerScaler` is the exception: speakers (genders, corpora) outside training are scaled by
    their own utterances, no label is used; by an `EnrolledScaler` those of a few of them.
    """
    fitted: dict[str, Transform] = {}
    training = facts["train"].ids
    for name, spec in specs.items():
        store = stores[name]
        if spec.vocabulary:
            fitted[name] = fit_vocabulary(_arrays(training, store, spec), spec.min_count)
        elif spec.normalise == "zscore":
            fitted[name] = Scaler(fit_scale(_arrays(training, store, spec)))
        elif spec.normalise == "minmax":
            fitted[name] = fit_range(_arrays(training, store, spec))
        elif spec.normalise == ENROLMENT:
            fitted[name] = fit_enrolled(facts, store, spec)
        elif spec.normalise.endswith("_zscore"):
            fitted[name] = fit_groups(facts, store, spec)
    return Transforms(fitted)


def refit_transforms(
    fitted: Transforms,
    facts: Mapping[str, Facts],
    stores: Mapping[str, FeatureStore],
    specs: Mapping[str, StreamSpec],
    own_scale: bool,
) -> Transforms:
    """What was ``fitted`` on a training split, for utterances of another corpus.

    ``facts`` are those utterances', all in the test split; their labels are not read. Speakers are
    scaled by their own utterances, as speakers outside training are. Everything else stays as
    fitted, unless ``own_scale`` asks for the other corpus's own means and deviations (or ranges).
    Raises MmserError where scales were fitted by gender, which a run does not keep.
    """
    streams: dict[str, Transform] = {}
    for name, transform in fitted.streams.items():
        store, spec = stores[name], specs[name]
        ids = facts["test"].ids
        if isinstance(transform, EnrolledScaler):
            scales = enrolled_scales(facts, store, spec, transform.prior, {})
            streams[name] = EnrolledScaler(scales, transform.prior)
        elif isinstance(transform, SpeakerScaler):
            streams[name] = fit_groups(facts, store, spec)
        elif own_scale and isinstance(transform, Scaler):
            streams[name] = Scaler(fit_scale(_arrays(ids, store, spec)))
        elif own_scale and isinstance(transform, MinMaxScaler):
            streams[name] = fit_range(_arrays(ids, store, spec))
        else:
            streams[name] = transform
    return Transforms(streams)


def fit_groups(facts: Mapping[str, Facts], store: FeatureStore, spec: StreamSpec) -> SpeakerScaler:
    """The scale of each speaker: their own, their gender's or their corpus's (``spec.normalise``).

    It is that of the group's training utterances where it has any, else of all of its utterances.
    Raises MmserError when no training speaker's gender is known.
    """
    training = _by_group(facts["train"], store, spec)
    if spec.normalise == "gender_zscore" and not any(name.isdigit() for name in training):
        raise MmserError(
            "genders for normalise=gender_zscore",
            "none in the training split",
            "Use speaker_zscore.",
        )
    others: dict[str, list[str]] = {}
    for split, rows in facts.items():
        if split != "train":
            for group, ids in _by_group(rows, store, spec).items():
                others.setdefault(group, []).extend(ids)
    ids_of = others | training
    scales = {group: fit_scale(_arrays(ids, store, spec)) for group, ids in ids_of.items()}
    group_of: dict[str, str] = {}
    for rows in facts.values():
        group_of |= dict(zip(rows.speakers, _groups(rows, spec), strict=True))
    return SpeakerScaler(
        {speaker: scales[group] for speaker, group in group_of.items() if group in scales}
    )


def fit_enrolled(
    facts: Mapping[str, Facts], store: FeatureStore, spec: StreamSpec
) -> EnrolledScaler:
    """Training speakers by all of their utterances, others by those they are enrolled with.

    The latter are `mmser.data.enrolment.chosen` among those the store has. How much they count is
    decided on the training speakers.
    """
    training = {
        speaker: moments_of(_arrays(ids, store, spec))
        for speaker, ids in _by_group(facts["train"], store, spec).items()
    }
    prior = fit_prior(list(training.values()), spec.enrol_weight)
    if spec.enrol_weight is None and "emotion" in facts["train"].targets:
        prior = times(prior, chosen_factor(_heard(facts["train"], store, training), spec))
    scales = {speaker: moments.whole.scale() for speaker, moments in training.items()}
    unheard = {split: rows for split, rows in facts.items() if split != "train"}
    return EnrolledScaler(scales | enrolled_scales(unheard, store, spec, prior, scales), prior)


def enrolled_scales(
    facts: Mapping[str, Facts],
    store: FeatureStore,
    spec: StreamSpec,
    prior: Prior,
    known: Mapping[str, Scale],
) -> dict[str, Scale]:
    """Scales of the speakers who are not ``known``, by utterances they are enrolled with."""
    others: dict[str, list[str]] = {}
    seconds: dict[str, float] = {}
    for rows in facts.values():
        seconds |= dict(zip(rows.ids, rows.duration, strict=True))
        for speaker, ids in _by_group(rows, store, spec).items():
            others.setdefault(speaker, []).extend(ids)
    scales = {}
    for speaker in others.keys() - known.keys():
        ids = others[speaker]
        enrolled = chosen(ids, [seconds[one] for one in ids], speaker, spec)
        scales[speaker] = prior.scale(moments_of(_arrays(enrolled, store, spec)))
    return scales


def _heard(
    facts: Facts, store: FeatureStore, training: Mapping[str, SpeakerMoments]
) -> list[HeardSpeaker]:
    """The training speakers, with what is known of their utterances that the store has."""
    rows: dict[str, list[int]] = {}
    for row, (identifier, speaker) in enumerate(zip(facts.ids, facts.speakers, strict=True)):
        if identifier in store:
            rows.setdefault(speaker, []).append(row)
    return [
        HeardSpeaker(speaker, training[speaker], facts.duration[own], facts.targets["emotion"][own])
        for speaker, own in rows.items()
        if len(own) == training[speaker].utterances
    ]


def _groups(facts: Facts, spec: StreamSpec) -> Sequence[str]:
    """(row,) the group that each utterance is scaled with; "-100" for one outside training's."""
    domain = spec.normalise.removesuffix("_enrolment").removesuffix("_zscore")
    if domain == "speaker":
        return facts.speakers
    return [str(number) for number in facts.targets[domain]]


def _by_group(facts: Facts, store: FeatureStore, spec: StreamSpec) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for identifier, group in zip(facts.ids, _groups(facts, spec), strict=True):
        if identifier in store:
            grouped.setdefault(group, []).append(identifier)
    return grouped


def _arrays(ids: Sequence[str], store: FeatureStore, spec: StreamSpec) -> Iterator[np.ndarray]:
    for identifier in ids:
        track = limit_track(read_track(store, identifier), spec)
        if track is not None:
            yield track.values
