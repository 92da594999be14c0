"""Fits `Transforms` on the training part of a fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmser.data.dataset import Facts, limit_track, read_track
from mmser.data.minmax import fit_range
from mmser.data.scaling import Scaler, SpeakerScaler, fit_scale
from mmser.data.spec import StreamSpec
from mmser.data.transforms import Transform, Transforms
from mmser.data.vocabulary import fit_vocabulary

if TYPE_CHECKING:
    from mmser.cache.store import Store


def fit_transforms(
    parts: Mapping[str, Facts], stores: Mapping[str, Store], specs: Mapping[str, StreamSpec]
) -> Transforms:
    """Scalers and vocabularies of the streams that ask for one, from the steps the model will see (after the limit).

    Only the part "train" is read, except for `SpeakerScaler`, whose speakers outside training are scaled by their own
    utterances (no label is used).
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
        elif spec.normalise == "speaker_zscore":
            fitted[name] = fit_speakers(parts, store, spec)
    return Transforms(fitted)


def fit_speakers(parts: Mapping[str, Facts], store: Store, spec: StreamSpec) -> SpeakerScaler:
    """One scale per speaker: of their training utterances where they have any, else of all of theirs."""
    training = _by_speaker(parts["train"], store)
    others: dict[str, list[str]] = {}
    for part, facts in parts.items():
        if part != "train":
            for speaker, ids in _by_speaker(facts, store).items():
                others.setdefault(speaker, []).extend(ids)
    utterances = others | training
    return SpeakerScaler({speaker: fit_scale(_arrays(ids, store, spec)) for speaker, ids in utterances.items()})


def _by_speaker(facts: Facts, store: Store) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for identifier, speaker in zip(facts.ids, facts.speakers, strict=True):
        if identifier in store:
            grouped.setdefault(speaker, []).append(identifier)
    return grouped


def _arrays(ids: Sequence[str], store: Store, spec: StreamSpec) -> Iterator[np.ndarray]:
    for identifier in ids:
        track = limit_track(read_track(store, identifier), spec)
        if track is not None:
            yield track.values
