"""What a trained system attends to over the time of a recording, for its picture.

Each segment is run on its own, so that no weight belongs to padding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmser.core.batch import Outputs
from mmser.core.clip import Features
from mmser.core.task import Task
from mmser.evaluation.byproducts.attention import attended_stream, key_weights
from mmser.evaluation.predict import run_model
from mmser.inference.reader import Reader
from mmser.inference.segment_features import SegmentFeatures
from mmser.inference.trained import Member
from mmser.inference.voting import Streams

SAME = 1e-3
"""Largest difference of a probability or value, alone and beside the others, that is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """``weights`` (key,) at ``seconds`` (key,) of the recording; 1 is even attention."""

    seconds: np.ndarray
    weights: np.ndarray


@dataclass(slots=True)
class Attended:
    """Curves of each stream, one per segment, by time: {stream: curves}.

    It asks no more of a system without attention, or whose answer is another one without the
    segments around it: its weights would not belong to what is printed.
    """

    curves: dict[str, list[Curve]] = field(default_factory=dict)
    _is_done: bool = False

    def add(
        self,
        reader: Reader,
        members: Sequence[Member],
        one: SegmentFeatures,
        start: float,
        answer: Mapping[Any, Any],
    ) -> None:
        """Take a segment that begins at ``start`` s and its printed ``answer``; mean of models."""
        if self._is_done or not any(isinstance(each, Features) for each in one.streams.values()):
            return
        by_stream: dict[str, list[np.ndarray]] = {}
        printed = []
        for member in members:
            batch = reader.batch({one.identifier: one.streams}, member.transforms)
            _, outputs = next(iter(run_model(member.model, [batch], need_attention=True)))
            printed.append(_printed(outputs, member.task))
            for stream, weights in _weights(outputs).items():
                by_stream.setdefault(stream, []).append(weights)
        columns = list(members[0].task.target_sets[0].columns)
        before = np.array([answer[name] for name in columns], float)
        if not by_stream or not np.allclose(np.mean(printed, axis=0), before, atol=SAME):
            self._is_done = True
            return
        for stream, each in by_stream.items():
            seconds = _seconds(reader, stream, one.streams, len(each[0]))
            if seconds is not None:
                even = np.mean(each, axis=0) * len(each[0])
                self.curves.setdefault(stream, []).append(Curve(start + seconds, even))


def _printed(outputs: Outputs, task: Task) -> np.ndarray:
    """(class or value,) of the first target set."""
    first = task.target_sets[0]
    answer = first.answer(outputs)
    if answer is None:
        return np.full(len(first.names), np.nan)
    numbers: np.ndarray = first.printed(answer.float())[0].double().cpu().numpy()
    return numbers


def _weights(outputs: Outputs) -> dict[str, np.ndarray]:
    """{stream: weights (key,)}, the mean of all that attend to it."""
    lengths = {stream: each.mask.shape[1] for stream, each in outputs.encoded.items()}
    found: dict[str, list[np.ndarray]] = {}
    for title, attention in outputs.attention.items():
        weights = key_weights(attention)
        stream = attended_stream(title, len(weights), lengths)
        # Else nothing was there to attend to, or it is a weight of streams, not of times.
        if stream and np.isfinite(weights).all() and weights.any():
            found.setdefault(stream, []).append(weights)
    return {stream: np.mean(each, axis=0) for stream, each in found.items()}


def _seconds(reader: Reader, stream: str, streams: Streams, length: int) -> np.ndarray | None:
    """The middle of each key in the segment, where the features know their times."""
    features, source = streams.get(stream), reader.trained.sources.get(stream)
    is_shared = reader.trained.data["alignment"] != "native"
    if not isinstance(features, Features) or source is None or is_shared:
        return None
    if features.spans is not None:
        middle: np.ndarray = features.spans.mean(axis=1)
        return middle if len(middle) == length else None
    if features.frame_rate is None or source.spec.crop != "head":
        return None
    steps = min(len(features.values), source.spec.limit or len(features.values))
    duration = steps / features.frame_rate
    middles: np.ndarray = (np.arange(length) + 0.5) * duration / length
    return middles
