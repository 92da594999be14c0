"""What must hold of stores and options before a fold can be read; every failure says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.errors import MmserError, UsageError
from mmser.data.collate import Shape
from mmser.data.spec import StreamSpec, check_size

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore

PROBED = 50
"""Utterances looked at to learn whether a store has word times."""


def check_streams(stores: Mapping[str, FeatureStore], specs: Mapping[str, StreamSpec]) -> None:
    """Every stream needs a store, and there must be one stream."""
    missing = [name for name in specs if name not in stores]
    if missing or not specs:
        raise MmserError(
            "a store for every stream",
            f"none for {', '.join(missing) or 'any'}",
            "Name its extractor.",
        )


def check_choice(what: str, value: str, choices: Iterable[str]) -> None:
    """Raise UsageError when ``value`` is not among ``choices``."""
    names = list(choices)
    if value not in names:
        raise UsageError(f"{what} to be one of {', '.join(names)}", f"'{value}'", "Choose one.")


def check_probability(value: float) -> float:
    """``value``; raises UsageError unless it is from 0 to 1."""
    if not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise UsageError("a probability from 0 to 1", f"{value}", "80 % is 0.8.")
    return float(value)


def check_range(what: str, values: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest; raises UsageError unless ``values`` are two numbers in that order."""
    numbers = (
        list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    )
    if (
        len(numbers) != 2
        or not all(isinstance(n, int | float) for n in numbers)
        or numbers[0] > numbers[1]
    ):
        raise UsageError(
            f"{what}: [lowest, highest]",
            f"{values}",
            "Write the same number twice for a fixed one.",
        )
    return float(numbers[0]), float(numbers[1])


def check_balance(counts: Sequence[int], batching: str) -> None:
    """Class-balanced drawing needs labelled training rows, and would tear dialogues apart."""
    if batching == "dialogue":
        raise UsageError(
            "balanced=false with batching=dialogue", "balanced=true", "Choose one of the two."
        )
    if not any(counts):
        raise UsageError(
            "classes to balance", "no labelled training utterance", "Set balanced=false."
        )


def check_complete(
    ids: Iterable[str], stores: Mapping[str, FeatureStore], specs: Mapping[str, StreamSpec]
) -> None:
    """Every utterance must have a row in every store, done or failed.

    Anything else is unfinished preprocessing.
    """
    assigned = list(ids)
    for name, store in stores.items():
        lacking = [identifier for identifier in assigned if not store.knows(identifier)]
        if lacking:
            raise MmserError(
                f"every utterance of the protocol in the store of stream '{name}'",
                f"{len(lacking)} that were never processed, such as {lacking[0]}",
                f"Run `mmser preprocess` with extractors=[{specs[name].extractor}] again: it "
                "goes on where it stopped.",
            )


def stream_shapes(
    stores: Mapping[str, FeatureStore], specs: Mapping[str, StreamSpec]
) -> tuple[dict[str, Shape], dict[str, int]]:
    """Shape of a step and feature dimension of every stream, sizes checked against the specs."""
    shapes, sizes = {}, {}
    for name, spec in specs.items():
        shapes[name] = store_shape(name, stores[name])
        sizes[name] = check_size(name, spec, shapes[name].feature, stores[name])
        if spec.vocabulary and (shapes[name].feature or not shapes[name].whole):
            raise MmserError(
                f"one whole number per word in stream '{name}', which has vocabulary=true",
                f"steps of shape {shapes[name].feature} in the store of "
                f"{stores[name].info['extractor']}",
                "Use an extractor of words, or set vocabulary=false.",
            )
    return shapes, sizes


def store_shape(stream: str, store: FeatureStore) -> Shape:
    """Shape of one step, read off the first utterance that has values."""
    first = next(iter(store.ids), None)
    if first is None:
        raise MmserError(
            f"at least one utterance with values in stream '{stream}'",
            f"a store of {store.info['extractor']} in which all {len(store.index)} failed",
            "Read the reasons with `mmser cache info`.",
        )
    values = store.read(first)
    return Shape(tuple(values.shape[1:]), bool(np.issubdtype(values.dtype, np.integer)))


def check_same_shapes(streams: Mapping[str, Shape], replaced: Mapping[str, FeatureStore]) -> None:
    """A store of another condition must hold the same kind of steps as the one it replaces.

    It may hold none: a disturbance may leave nothing (no face in any picture), and the modality is
    absent throughout.
    """
    for name, store in replaced.items():
        if name not in streams:
            raise MmserError(
                f"test stores for the streams {', '.join(streams)}",
                f"one for '{name}'",
                "Rename it.",
            )
        if not store.ids:
            continue
        shape = store_shape(name, store)
        if shape != streams[name]:
            raise MmserError(
                f"steps of shape {streams[name].feature} in the test store of stream '{name}'",
                f"{shape.feature}",
                "Make it with the same extractor and parameters.",
            )


def find_word_stream(stores: Mapping[str, FeatureStore]) -> str | None:
    """The first stream whose store has word times."""
    for name, store in stores.items():
        if any(store.spans(identifier) is not None for identifier in store.ids[:PROBED]):
            return name
    return None


def no_word_times(stores: Mapping[str, FeatureStore]) -> MmserError:
    """The error of alignment "word" without any word times."""
    return MmserError(
        "word times in one stream for alignment=word",
        f"none in {', '.join(stores)}",
        "Train with words=whisper_alignment or words=ctc_alignment (the corpus's words), or "
        "transcript=whisper (a recogniser's), or use alignment=native.",
    )
