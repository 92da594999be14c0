"""Scalers and vocabularies: fitted on the training split's inputs, applied to every array.

They are saved as two files beside each other: ``<path>.safetensors`` (the numbers) and
``<path>.json`` (what they are).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from mmser.cache.atomic import write_bytes
from mmser.cache.tensors import load_arrays, save_arrays
from mmser.core.errors import MmserError
from mmser.core.finite import check_finite
from mmser.core.saved import read_saved_json
from mmser.data.enrolment import EnrolledScaler, Prior
from mmser.data.minmax import MinMaxScaler
from mmser.data.scaling import Scale, Scaler, SpeakerScaler, as_float32
from mmser.data.vocabulary import Vocabulary

Transform = Scaler | SpeakerScaler | EnrolledScaler | MinMaxScaler | Vocabulary

PRIOR = tuple(part.name for part in fields(Prior))

HASHES = "known"
"""The name of a vocabulary's hashes in the file."""


@dataclass(frozen=True, slots=True)
class Transforms:
    """One transform per stream that has any."""

    streams: dict[str, Transform] = field(default_factory=dict)

    def apply(self, stream: str, values: np.ndarray, speaker: str = "") -> np.ndarray:
        """``values`` (time, *feature) transformed; floats become float32, whole numbers int64."""
        is_whole = np.issubdtype(values.dtype, np.integer)
        typed = values.astype(np.int64, copy=False) if is_whole else as_float32(values)
        transform = self.streams.get(stream)
        return typed if transform is None else transform(typed, speaker)

    def vocabulary_sizes(self) -> dict[str, int]:
        """Number of indices of each stream of words."""
        return {
            name: len(transform)
            for name, transform in self.streams.items()
            if isinstance(transform, Vocabulary)
        }

    def save(self, path: str | Path) -> None:
        """Write ``<path>.safetensors`` and ``<path>.json``."""
        tensors = dict(_tensors(self.streams))
        kinds = {name: _kind(transform) for name, transform in self.streams.items()}
        speakers = {
            name: sorted(transform.scales)
            for name, transform in self.streams.items()
            if isinstance(transform, SpeakerScaler | EnrolledScaler)
        }
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        save_arrays(tensors, target.with_name(target.name + ".safetensors"))
        description = json.dumps(
            {"streams": kinds, "speakers": speakers}, indent=2, ensure_ascii=False
        )
        write_bytes(target.with_name(target.name + ".json"), (description + "\n").encode())

    @classmethod
    def load(cls, path: str | Path) -> Transforms:
        """Read what `save` wrote; raises MmserError when a file is missing or damaged."""
        source = Path(path)
        files = [source.with_name(source.name + suffix) for suffix in (".json", ".safetensors")]
        for file in files:
            if not file.is_file():
                raise MmserError(
                    "the saved transforms of a fold", f"no file {file}", "Train the fold again."
                )
        description = read_saved_json(files[0])
        tensors = load_arrays(files[1])
        check_finite(tensors, files[1])
        speakers = description["speakers"]
        streams = {
            name: _read(name, kind, tensors, speakers.get(name, []))
            for name, kind in description["streams"].items()
        }
        return cls(streams)


def _kind(transform: Transform) -> str:
    kinds = {
        Scaler: "zscore",
        SpeakerScaler: "speaker_zscore",
        EnrolledScaler: "speaker_zscore_enrolment",
        MinMaxScaler: "minmax",
        Vocabulary: "vocabulary",
    }
    return kinds[type(transform)]


def _tensors(streams: Mapping[str, Transform]) -> Iterator[tuple[str, np.ndarray]]:
    for name, transform in streams.items():
        if isinstance(transform, Vocabulary):
            yield f"{name}.{HASHES}", transform.hashes
        elif isinstance(transform, MinMaxScaler):
            yield f"{name}.lowest", transform.lowest
            yield f"{name}.highest", transform.highest
        elif isinstance(transform, Scaler):
            yield from _pair(name, [transform.scale])
        else:
            scales = [transform.scales[speaker] for speaker in sorted(transform.scales)]
            yield from _pair(name, scales)
            if isinstance(transform, EnrolledScaler):
                for part in PRIOR:
                    yield f"{name}.prior_{part}", getattr(transform.prior, part)


def _pair(name: str, scales: Iterable[Scale]) -> Iterator[tuple[str, np.ndarray]]:
    listed = list(scales)
    yield f"{name}.mean", np.stack([scale.mean for scale in listed])
    yield f"{name}.deviation", np.stack([scale.deviation for scale in listed])


def _read(
    name: str, kind: str, tensors: Mapping[str, np.ndarray], speakers: list[str]
) -> Transform:
    if kind == "vocabulary":
        return Vocabulary(tensors[f"{name}.{HASHES}"])
    if kind == "minmax":
        return MinMaxScaler(tensors[f"{name}.lowest"], tensors[f"{name}.highest"])
    pairs = zip(tensors[f"{name}.mean"], tensors[f"{name}.deviation"], strict=True)
    scales = [Scale(mean, deviation) for mean, deviation in pairs]
    if kind == "zscore":
        return Scaler(scales[0])
    by_speaker = dict(zip(speakers, scales, strict=True))
    if kind == "speaker_zscore_enrolment":
        prior = Prior(*(tensors[f"{name}.prior_{part}"] for part in PRIOR))
        return EnrolledScaler(by_speaker, prior)
    return SpeakerScaler(by_speaker)
