"""Batches of a split whose samples never change: gathered by row number from whole arrays.

Without augmentation an utterance is the same in every epoch. Its targets, and a stream with as many
steps in every utterance (one vector), are put together once and indexed; the others are padded
batch by batch, as `Collate` does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmser.core.batch import Batch, Context, Stream
from mmser.data.collate import Collate
from mmser.data.dataset import SplitDataset

_WHOLE = 128 * 2**20
"""Bytes of a stream up to which it is put together."""


class GatheredSplit(Dataset[Batch]):
    """A batch for a list of (epoch, row), the same that `Collate` makes of the samples."""

    def __init__(self, samples: SplitDataset, collate: Collate) -> None:
        if samples.augmentation:
            raise ValueError("samples that change are collated one by one")
        self.samples, self.collate = samples, collate
        self._targets: dict[str, Tensor] | None = None
        self._context: dict[str, Tensor] = {}
        self._streams: dict[str, Stream] | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> Batch:
        rows = [row for _, row in keys]
        index = torch.tensor(rows, dtype=torch.long)
        if self._targets is None:
            self._put_together(rows)
        streams = self._gathered(index) if self._streams is not None else self._padded(rows)
        traces = self.collate.traces
        facts = self.samples.facts
        return Batch(
            tuple(facts.ids[row] for row in rows),
            {name: stream for name, stream in streams.items() if name not in traces},
            Context(**{name: tensor[index] for name, tensor in self._context.items()}),
            {name: tensor[index] for name, tensor in (self._targets or {}).items()},
            {name: stream for name, stream in streams.items() if name in traces},
        )

    def _gathered(self, index: Tensor) -> dict[str, Stream]:
        return {
            name: Stream(stream.values[index], stream.mask[index])
            for name, stream in (self._streams or {}).items()
        }

    def _padded(self, rows: Sequence[int]) -> dict[str, Stream]:
        return self.collate.streams([self.samples.sample_of(row) for row in rows])

    def _put_together(self, rows: Sequence[int]) -> None:
        """The targets of every row, and the streams where each has the shape of these ``rows``."""
        facts = self.samples.facts
        for name in ("dialogue", "turn", "speaker"):
            numbers = np.asarray(getattr(facts, name), dtype=np.int64)
            self._context[name] = torch.from_numpy(numbers)
        self._targets = {name: torch.from_numpy(array) for name, array in facts.targets.items()}
        first = self.samples.sample_of(rows[0])
        for track in first.streams.values():
            if track is None or track.mask is not None:
                return
            if len(track) > 1 or track.values.nbytes * len(facts.ids) > _WHOLE:
                return
        samples = [self.samples.sample_of(row) for row in range(len(facts.ids))]
        streams = self.collate.streams(samples)
        if all(bool(stream.mask.all()) for stream in streams.values()):
            self._streams = streams
