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

_CONTEXT = ("dialogue", "turn", "speaker")

_WHOLE = 128 * 2**20
"""Bytes of a stream up to which it is put together."""


class GatheredSplit(Dataset[Batch]):
    """A batch for a list of (epoch, row), the same that `Collate` makes of the samples.

    On ``device``, where one is given: what is put together lies there, so that a batch costs a GPU
    one copy of its row numbers and of each padded stream.
    """

    def __init__(
        self, samples: SplitDataset, collate: Collate, device: torch.device | None = None
    ) -> None:
        if samples.augmentation:
            raise ValueError("samples that change are collated one by one")
        self.samples, self.collate = samples, collate
        self._device = device if device is not None and device.type == "cuda" else None
        self._names: list[str] = []
        self._numbers: Tensor | None = None
        self._others: dict[str, Tensor] = {}
        self._streams: dict[str, Stream] | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitems__(self, keys: Sequence[tuple[int, int]]) -> Batch:
        rows = [row for _, row in keys]
        if self._numbers is None:
            self._numbers = self._put_together(rows)
        index = self._here(torch.tensor(rows, dtype=torch.long))
        gathered = dict(zip(self._names, self._numbers[:, index], strict=True))
        facts = {name: gathered[name] for name in _CONTEXT}
        targets = {
            name: self._others[name][index] if name in self._others else gathered[f"target_{name}"]
            for name in self.samples.facts.targets
        }
        streams = self._gathered(index) if self._streams is not None else self._padded(rows)
        traces = self.collate.traces
        return Batch(
            tuple(self.samples.facts.ids[row] for row in rows),
            {name: stream for name, stream in streams.items() if name not in traces},
            Context(**facts),
            targets,
            {name: stream for name, stream in streams.items() if name in traces},
        )

    def _here(self, tensor: Tensor) -> Tensor:
        if self._device is None:
            return tensor
        return tensor.pin_memory().to(self._device, non_blocking=True)

    def _gathered(self, index: Tensor) -> dict[str, Stream]:
        return {
            name: Stream(stream.values[index], stream.mask[index])
            for name, stream in (self._streams or {}).items()
        }

    def _padded(self, rows: Sequence[int]) -> dict[str, Stream]:
        streams = self.collate.streams([self.samples.sample_of(row) for row in rows])
        return {name: self._stream_here(stream) for name, stream in streams.items()}

    def _stream_here(self, stream: Stream) -> Stream:
        return Stream(self._here(stream.values), self._here(stream.mask))

    def _put_together(self, rows: Sequence[int]) -> Tensor:
        """(number, row): whole numbers of the context and the targets, indexed at once.

        Beside them the other targets, and the streams where each has the shape of these ``rows``.
        """
        facts = self.samples.facts
        numbers = {name: np.asarray(getattr(facts, name), np.int64) for name in _CONTEXT}
        for name, array in facts.targets.items():
            if array.ndim == 1 and array.dtype == np.int64:
                numbers[f"target_{name}"] = array
            else:
                self._others[name] = self._here(torch.from_numpy(array))
        self._names = list(numbers)
        if self._have_one_shape(rows):
            samples = [self.samples.sample_of(row) for row in range(len(facts.ids))]
            streams = self.collate.streams(samples)
            if all(bool(stream.mask.all()) for stream in streams.values()):
                self._streams = {name: self._stream_here(each) for name, each in streams.items()}
        return self._here(torch.from_numpy(np.stack(list(numbers.values()))))

    def _have_one_shape(self, rows: Sequence[int]) -> bool:
        """Whether the first of them is one vector a stream, and all together are not too many."""
        tracks = self.samples.sample_of(rows[0]).streams.values()
        count = len(self.samples.facts.ids)
        return all(
            track is not None
            and track.mask is None
            and len(track) == 1
            and track.values.nbytes * count <= _WHOLE
            for track in tracks
        )
