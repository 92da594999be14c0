"""Fits `Transforms` on the training part of a fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.errors import MmserError
from mmser.data.dataset import Facts, limit_track, read_track
from mmser.data.minmax import fit_range
from mmser.data.scaling import Scaler, SpeakerScaler, fit_scale
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transform, Transforms
from mmser.data.vocabulary import fit_vocabulary

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore


def fit_transforms(
    parts: Mapping[str, Facts], stores: Mapping[str, FeatureStore], specs: Mapping[str, StreamSpec]
) -> Transforms:
    """Scalers and vocabularies of the streams that ask for one, from the steps the model will see
    (after the limit).

    Only the part "train" is read, except for `SpeakerScaler`, whose speakers (genders, corpora)
    outside training are scaled by their own utterances (no label is used).
    """
    fitted: dict[str, Transform] = {}
    for name, spec in specs.items():
        store, training = stores[name], parts["train"].ids
        if spec.vocabulary:
            fitted[name] = fit_vocabulary(_arrays(training, store, spec), spec.min_count)
        elif spec.normalise == "zscore":
            fitted[name] = Scaler(fit_scale(_arrays(training, store, spec)))
        elif spec.normalise == "minmax":
            fitted[name] = fit_range(_arrays(training, store, spec))
        elif spec.normalise.endswith("_zscore"):
            fitted[name] = fit_groups(parts, store, spec)
    return Transforms(fitted)


def fit_groups(parts: Mapping[str, Facts], store: FeatureStore, spec: StreamSpec) -> SpeakerScaler:
    """The scale of each speaker: their own, their gender's or their corpus's, as ``spec.normalise``
    says.

    It is that of the group's training utterances where it has any, else of all of its utterances.
    Raises MmserError when no training speaker's gender is known.
    """
    training = _by_group(parts["train"], store, spec)
    if spec.normalise == "gender_zscore" and not any(name.isdigit() for name in training):
        raise MmserError(
            "genders for normalise=gender_zscore",
            "none in the training part",
            "Use speaker_zscore.",
        )
    others: dict[str, list[str]] = {}
    for part, facts in parts.items():
        if part != "train":
            for group, ids in _by_group(facts, store, spec).items():
                others.setdefault(group, []).extend(ids)
    scales = {
        group: fit_scale(_arrays(ids, store, spec)) for group, ids in (others | training).items()
    }
    members = {
        s: g
        for facts in parts.values()
        for s, g in zip(facts.speakers, _groups(facts, spec), strict=True)
    }
    return SpeakerScaler(
        {speaker: scales[group] for speaker, group in members.items() if group in scales}
    )


def _groups(facts: Facts, spec: StreamSpec) -> Sequence[str]:
    """(row,) the group that each utterance is scaled with; those outside the training part's are
    one, "-100".
    """
    domain = spec.normalise.removesuffix("_zscore")
    return (
        facts.speakers if domain == "speaker" else [str(number) for number in facts.targets[domain]]
    )


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
