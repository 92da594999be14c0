"""Sound through a network: many clips in one pass on a GPU, one after another on a CPU.

On a GPU a batch is as many seconds as its memory takes and its processors need. While one batch is
computed the next is uploaded and the one before is downloaded, from and to pinned memory; the
values come in the store's own type and in one copy. A batch that does not fit after all is halved.
On a CPU a batch only costs memory: each row is computed by itself, and so its values do not depend
on its company at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features
from mmser.extractors.clips.length_batches import cheapest_count, packed_count
from mmser.extractors.clips.outcomes import checked, waveform_of
from mmser.extractors.networks.devices import Precision, arithmetic

Encode = Callable[[Tensor, list[int]], tuple[Tensor, list[int]]]
"""(row, sample, ...) on the device and the samples of each row -> (step, *feature), the rows one
after another, and the steps of each row."""

FULL_SECONDS = 200.0
"""Sound that keeps a large GPU busy; the next batch is made ready meanwhile."""
OVERHEAD_SECONDS = 10.0
"""Sound in whose time a GPU does what a batch costs whatever its size."""
FIRST_SECONDS = 30.0
"""Sound of the first batch, whose memory is measured."""
MEMORY_SHARE = 0.7
"""Of what is free; attention needs more for longer clips than the estimate says."""


class Encoded(NamedTuple):
    """(step, *feature), and whether every value is known to be a number."""

    values: np.ndarray
    is_finite: bool


@dataclass(slots=True)
class _Flight:
    """A batch under way: its rows, their steps, and where its values will be."""

    rows: list[int]
    counts: list[int]
    values: Tensor
    is_finite: Tensor
    done: torch.cuda.Event | None


class WaveformBatches:
    """``encode`` over rows of any lengths.

    Args:
        encode: what a batch is given to, in inference mode.
        device: where it runs.
        dtype: of the values that come from a GPU, ``float16`` or ``float32``; a CPU gives float32.
        precision: of products in float32.
        seconds: most sound in a batch, padding included; None: see this module.
        rate: entries of a row in a second.
        window: the length to which ``encode`` pads a row of some length, where that is not the
            longest's: a batch has rows of one such length.
        packs: whether ``encode`` computes what is real of its rows alone.
        full_seconds: of sound in a batch that keep a large GPU busy.
    """

    def __init__(
        self,
        encode: Encode,
        device: torch.device,
        dtype: str,
        precision: Precision,
        seconds: float | None,
        rate: float = SAMPLE_RATE,
        window: Callable[[int], int] | None = None,
        packs: bool = False,
        full_seconds: float = FULL_SECONDS,
    ) -> None:
        self.encode, self.device, self.precision = encode, device, precision
        self.seconds, self.rate = seconds, rate
        self.window, self.packs, self.full_seconds = window, packs, full_seconds
        self.is_cuda = device.type == "cuda"
        half = self.is_cuda and dtype == "float16"
        self.dtype = torch.float16 if half else torch.float32
        self._second_bytes: float | None = None
        self._fitting = float("inf")
        if self.is_cuda:
            self._uploads = torch.cuda.Stream(device)
            self._downloads = torch.cuda.Stream(device)

    def __call__(self, rows: Sequence[np.ndarray]) -> list[Encoded | str]:
        """The values of each row (sample, ...), or why there are none."""
        answers: dict[int, Encoded | str] = {}
        # Longest first: memory shows at once whether it is enough.
        waiting = sorted(range(len(rows)), key=lambda row: -len(rows[row]))
        flying: deque[_Flight] = deque()
        while waiting or flying:
            if waiting:
                batch = self._batch(rows, waiting)
                try:
                    flying.append(self._launched(rows, batch))
                    del waiting[: len(batch)]
                except torch.OutOfMemoryError:
                    while flying:
                        answers |= self._landed(flying.popleft())
                    self._halve(rows, batch)
                    if len(batch) == 1:
                        answers[waiting.pop(0)] = self._too_long(rows[batch[0]])
                    continue
            if len(flying) > bool(waiting):
                answers |= self._landed(flying.popleft())
        return [answers[row] for row in range(len(rows))]

    def _batch(self, rows: Sequence[np.ndarray], waiting: Sequence[int]) -> list[int]:
        """The first of ``waiting``, and those after it that fit beside it."""
        lengths = [self._padded(rows, row) for row in waiting]
        if self.window is not None:
            lengths = lengths[: lengths.count(lengths[0])]
        most = self._most_seconds() * self.rate
        if self.packs:
            return list(waiting[: packed_count(lengths, most)])
        # What was asked for on a CPU is filled.
        overhead = OVERHEAD_SECONDS * self.rate if self.is_cuda else float("inf")
        return list(waiting[: cheapest_count(lengths, most, overhead)])

    def _padded(self, rows: Sequence[np.ndarray], row: int) -> int:
        """What a row costs as the longest of its batch."""
        length = len(rows[row])
        return length if self.window is None else self.window(length)

    def _cost_seconds(self, rows: Sequence[np.ndarray], batch: Sequence[int]) -> float:
        """Sound of a batch, with the padding that is computed."""
        if self.packs:
            return sum(len(rows[row]) for row in batch) / self.rate
        return len(batch) * self._padded(rows, batch[0]) / self.rate

    def _most_seconds(self) -> float:
        """Sound that the next batch may have."""
        if not self.is_cuda:
            return min(self._fitting, self.seconds or 0.0)
        most = min(self._fitting, self.full_seconds if self.seconds is None else self.seconds)
        if self._second_bytes is None:
            return min(most, FIRST_SECONDS)
        free, _ = torch.cuda.mem_get_info(self.device)
        cached = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return min(most, MEMORY_SHARE * (free + cached) / self._second_bytes)

    def _launched(self, rows: Sequence[np.ndarray], batch: list[int]) -> _Flight:
        lengths = [len(rows[row]) for row in batch]
        is_first = self.is_cuda and self._second_bytes is None
        if is_first:
            torch.cuda.reset_peak_memory_stats(self.device)
            before = torch.cuda.memory_allocated(self.device)
        with torch.inference_mode(), arithmetic(self.precision):
            values, counts = self.encode(self._uploaded([rows[row] for row in batch]), lengths)
            values = values.to(self.dtype)
            is_finite = torch.isfinite(values).all()
        if is_first:
            used = torch.cuda.max_memory_allocated(self.device) - before
            self._second_bytes = max(1.0, used / self._cost_seconds(rows, batch))
        if not self.is_cuda:
            return _Flight(batch, counts, values, is_finite, None)
        return self._leaving(batch, counts, values, is_finite)

    def _uploaded(self, rows: list[np.ndarray]) -> Tensor:
        """(row, sample, ...) float32 on the device, zeros behind the shorter ones."""
        longest = max(len(row) for row in rows)
        shape = (len(rows), longest, *rows[0].shape[1:])
        host = torch.empty(shape, dtype=torch.float32, pin_memory=self.is_cuda)
        filled = host.numpy()
        for place, row in enumerate(rows):
            filled[place, : len(row)] = row
            filled[place, len(row) :] = 0.0
        if not self.is_cuda:
            return host
        computing = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._uploads):
            sound = host.to(self.device, non_blocking=True)
        computing.wait_stream(self._uploads)
        sound.record_stream(computing)
        return sound

    def _leaving(
        self, batch: list[int], counts: list[int], values: Tensor, is_finite: Tensor
    ) -> _Flight:
        """The batch with its values on their way to the host."""
        self._downloads.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._downloads):
            here = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            here.copy_(values, non_blocking=True)
            sure = torch.empty((), dtype=torch.bool, pin_memory=True)
            sure.copy_(is_finite, non_blocking=True)
            done = torch.cuda.Event()
            done.record(self._downloads)
        values.record_stream(self._downloads)
        is_finite.record_stream(self._downloads)
        return _Flight(batch, counts, here, sure, done)

    def _landed(self, flight: _Flight) -> dict[int, Encoded | str]:
        if flight.done is not None:
            flight.done.synchronize()
        ends = np.cumsum(flight.counts)[:-1]
        parts = np.split(flight.values.numpy(), ends)
        is_finite = bool(flight.is_finite)
        return {row: Encoded(part, is_finite) for row, part in zip(flight.rows, parts, strict=True)}

    def _halve(self, rows: Sequence[np.ndarray], batch: list[int]) -> None:
        """Half of what did not fit, from now on."""
        if len(batch) > 1:
            self._fitting = self._cost_seconds(rows, batch) / 2
        torch.cuda.empty_cache()

    def _too_long(self, row: np.ndarray) -> str:
        return (
            f"{len(row) / self.rate:.1f} s by itself are too much for the memory of {self.device}"
        )


def features_in_batches(
    clips: Sequence[Clip],
    batches: WaveformBatches,
    parts: Callable[[np.ndarray], list[np.ndarray]],
    features: Callable[[list[np.ndarray], int], Features],
) -> list[Features | Failure]:
    """Each clip's waveform in ``parts``, all of them through ``batches``, and ``features`` of what
    comes back with the samples of the waveform.
    """
    results: list[Features | Failure | None] = []
    rows: list[np.ndarray] = []
    places: list[tuple[int, int, int]] = []
    for clip in clips:
        waveform = waveform_of(clip)
        if isinstance(waveform, Failure):
            results.append(waveform)
            continue
        own = parts(waveform)
        places.append((len(results), len(own), len(waveform)))
        rows += own
        results.append(None)
    answers = iter(batches(rows))
    for place, count, samples in places:
        own_answers = [next(answers) for _ in range(count)]
        results[place] = _result(clips[place], own_answers, samples, features)
    return [result for result in results if result is not None]


def _result(
    clip: Clip,
    answers: list[Encoded | str],
    samples: int,
    features: Callable[[list[np.ndarray], int], Features],
) -> Features | Failure:
    values: list[np.ndarray] = []
    for answer in answers:
        if isinstance(answer, str):
            return Failure(clip.id, "extractor error", answer)
        values.append(answer.values)
    made = features(values, samples)
    is_finite = all(answer.is_finite for answer in answers if isinstance(answer, Encoded))
    return made if is_finite else checked(clip, made)
