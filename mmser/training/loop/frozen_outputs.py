"""What frozen encoders make of each utterance, computed once and not in every epoch.

An encoder none of whose parameters learn, in evaluation mode, makes the same of an utterance each
time: it is run on each utterance alone, so that what it makes depends on no companions and a
resumed training finds the same, and the result is kept up to a limit of bytes. Against an encoder
that sees whole batches results differ by what padding changes in float32 (about 1e-6).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Stream
from mmser.core.errors import MmserError

GIGABYTE = 2**30


class FrozenOutputs:
    """Remembers the outputs of the frozen encoders of a model, ``limit`` bytes of them in all.

    `expect` tells whose rows the next passes of the model are. Raises MmserError where no encoder
    is wholly frozen by ``trainer.freeze``, or an utterance changes from epoch to epoch.
    """

    def __init__(self, encoders: nn.ModuleDict, limit: int, changes: bool) -> None:
        frozen = {name: encoder for name, encoder in encoders.items() if _is_frozen(encoder)}
        if not frozen:
            raise MmserError(
                "an encoder that does not learn for trainer.frozen_memory",
                "none that is frozen as a whole",
                "Name one in trainer.freeze, such as [encoders.audio.*], or leave the option out.",
            )
        if changes:
            raise MmserError(
                "utterances that are the same in every epoch for trainer.frozen_memory",
                "data.augmentation",
                "Leave one of the two out.",
            )
        self.computed = 0
        """Utterances that went through an encoder."""
        self._room = limit
        self._ids: tuple[str, ...] = ()
        self._kept: dict[tuple[str, str], Stream] = {}
        for name, encoder in frozen.items():
            encoder.forward = self._instead(name, encoder, encoder.forward)

    def expect(self, batch: Batch) -> None:
        """The model is going to be run on the rows of ``batch`` as they are."""
        self._ids = batch.ids

    def _instead(
        self, name: str, encoder: nn.Module, original: Callable[[Stream], Stream]
    ) -> Callable[[Stream], Stream]:
        def forward(stream: Stream) -> Stream:
            if encoder.training or len(self._ids) != len(stream.values):
                return original(stream)
            rows = [
                self._row(name, identifier, original, stream, row)
                for row, identifier in enumerate(self._ids)
            ]
            return _together(rows)

        return forward

    def _row(
        self,
        name: str,
        identifier: str,
        original: Callable[[Stream], Stream],
        stream: Stream,
        row: int,
    ) -> Stream:
        kept = self._kept.get((name, identifier))
        if kept is None:
            with torch.no_grad():
                kept = original(_alone(stream, row))
            self.computed += 1
            size = kept.values.nbytes + kept.mask.nbytes
            if size <= self._room:
                self._room -= size
                self._kept[name, identifier] = kept
        return kept


def _is_frozen(encoder: nn.Module) -> bool:
    flags = [parameter.requires_grad for parameter in encoder.parameters()]
    return bool(flags) and not any(flags)


def _alone(stream: Stream, row: int) -> Stream:
    """One row (1, time, *feature) without the padding behind its last real step."""
    mask = stream.mask[row]
    steps = max(1, int(mask.nonzero().max()) + 1) if bool(mask.any()) else 1
    return Stream(stream.values[row : row + 1, :steps], mask[None, :steps])


def _together(rows: list[Stream]) -> Stream:
    """Rows (1, time, *feature) of different lengths, padded with zeros."""
    longest = max(row.values.shape[1] for row in rows)
    values, masks = zip(*((row.values, row.mask) for row in rows), strict=True)
    return Stream(_padded(values, longest), _padded(masks, longest))


def _padded(tensors: tuple[Tensor, ...], length: int) -> Tensor:
    padded = tensors[0].new_zeros(len(tensors), length, *tensors[0].shape[2:])
    for row, tensor in enumerate(tensors):
        padded[row, : tensor.shape[1]] = tensor[0]
    return padded
