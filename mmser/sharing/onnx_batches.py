"""Random batches for an ONNX file: what it is traced with and what it is checked on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from mmser.core.contracts import kind_read
from mmser.data.collate import Shape
from mmser.inference.trained import Member, Trained

Lengths = tuple[float, ...]
EXAMPLE: tuple[Lengths, int] = ((1.0, 0.6, 0.8), 0)
"""The batch it is traced with: rows by their share of the usual length, and a seed."""

CASES: tuple[tuple[Lengths, int], ...] = (
    ((1.0, 0.6, 0.8), 1),
    ((0.9,), 2),
    ((0.5, 1.7, 1.2, 0.3, 0.7), 3),
    ((0.4, 0.35), 4),
    ((0.0, 1.1, 0.0), 5),
)
"""Other sizes, lengths and paddings.

A length of 0 is an absent modality (of the first stream, if there are others).
"""

USUAL = {"waveform": 8000, "words": 12, "tokens": 12}
STEPS = 40
"""Steps of a stream of feature vectors; `USUAL` for streams that are none."""

TOKENS = 30


@dataclass(frozen=True, slots=True)
class Inputs:
    """The streams that a model reads, in its order.

    ``shapes`` are those of a step, ``lengths`` the usual ones, ``indices`` how many there are where
    steps are indices.
    """

    streams: tuple[str, ...]
    shapes: tuple[Shape, ...]
    lengths: tuple[int, ...]
    indices: tuple[int, ...]
    aligned: bool
    answers: tuple[str, ...]

    @classmethod
    def of(cls, trained: Trained, member: Member) -> Inputs:
        """Those of a member, as its encoders name them."""
        encoders = dict(member.model.encoders.items())
        kinds = [kind_read(encoder) for encoder in encoders.values()]
        sizes = member.transforms.vocabulary_sizes()
        return cls(
            tuple(encoders),
            tuple(trained.sources[name].shape for name in encoders),
            tuple(USUAL.get(kind, STEPS) for kind in kinds),
            tuple(sizes.get(name, TOKENS) for name in encoders),
            trained.data["alignment"] != "native",
            tuple(target_set.output for target_set in member.task.target_sets),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors, in order."""
        pairs = product(self.streams, ("values", "mask"))
        return tuple(f"{stream}_{tensor}" for stream, tensor in pairs)

    def axes(self) -> tuple[dict[int, str], ...]:
        """The free axes of every tensor by name."""
        times = ["time" if self.aligned else f"{stream}_time" for stream in self.streams]
        axes: list[dict[int, str]] = []
        for time in times:
            # Values and mask have the same axes.
            axes += [{0: "batch", 1: time}] * 2
        return tuple(axes)


def example_inputs(inputs: Inputs, lengths: Lengths, seed: int) -> tuple[Tensor, ...]:
    """Values and mask of each stream, padding zero, with one row per entry of ``lengths``."""
    generator = torch.Generator().manual_seed(seed)
    tensors: list[Tensor] = []
    for place, shape in enumerate(inputs.shapes):
        usual = min(inputs.lengths) if inputs.aligned else inputs.lengths[place]
        # Only the first of several streams may be absent: a row must have something.
        shares = [share if share or not place else 0.5 for share in lengths]
        shares = shares if len(inputs.shapes) > 1 else [share or 0.5 for share in shares]
        steps = torch.tensor([max(1, int(usual * share)) if share else 0 for share in shares])
        mask = torch.arange(int(steps.max())) < steps[:, None]
        size = (*mask.shape, *shape.feature)
        if shape.whole:
            values = torch.randint(2, inputs.indices[place], size, generator=generator)
        else:
            values = torch.randn(size, generator=generator)
        # (batch, time, 1, ...), one axis for each of a step.
        real = mask.reshape(*mask.shape, *[1] * len(shape.feature))
        tensors += [values.masked_fill(~real, 0), mask]
    return tuple(tensors)
