"""Sound from one sample rate to another, by FFmpeg's resampler.

Its filter lets neither images nor aliases through. Above the lower of the two Nyquist frequencies
nothing is left beyond -90 dB, wherever it came from; up to 90 % of it nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av import AudioFrame

TAPS = 128
"""Length of the filter in samples of the lower rate; the library's own 32 lets images through at -8
dB.
"""

EDGE = 0.95
"""The filter's -6 dB point, as a share of the lower Nyquist frequency: the stop band begins where
that ends.
"""

_LAYOUTS = {1: "mono", 2: "stereo"}
BLOCK = 8192
"""Samples that are filtered at a time, unless fewer are left; the filter's length is far below."""


class Resampler:
    """Blocks of one or two rows in, blocks at another rate out.

    The time of a sample stays what it was.
    """

    def __init__(self, source: int, target: int, rows: int) -> None:
        """``source`` and ``target`` in Hz."""
        from av.filter import Graph

        self.source, self.target, self.rows, self.layout = source, target, rows, _LAYOUTS[rows]
        self.taken = 0
        self._waiting: list[np.ndarray] = []
        graph = Graph()
        self._in = graph.add_abuffer(
            sample_rate=source, format="flt", layout=self.layout, time_base=Fraction(1, source)
        )
        # The library means its cut-off as a share of the target's Nyquist frequency, also where
        # that is the higher.
        cutoff = EDGE * min(source, target) / target
        self.length = ceil(TAPS * source / (EDGE * min(source, target)))
        options = f"{target}:filter_size={TAPS}:cutoff={cutoff:.6f}:linear_interp=1"
        resample, self._out = graph.add("aresample", options), graph.add("abuffersink")
        self._in.link_to(resample)
        resample.link_to(self._out)
        graph.configure()
        self._graph = graph

    def push(self, rows: np.ndarray) -> np.ndarray:
        """(row, sample) float32 -> (row, sample) of the other rate.

        These are the samples that are complete so far, often none.
        """
        self._waiting.append(rows)
        self.taken += rows.shape[1]
        if sum(block.shape[1] for block in self._waiting) < BLOCK:
            return np.zeros((self.rows, 0), np.float32)
        return self._filtered()

    def flush(self) -> np.ndarray:
        """(row, sample): what is left when nothing follows; the resampler is then spent."""
        whole = round(self.taken * self.target / self.source)
        missing = self.length - self.taken
        if missing > 0:
            # The library gives nothing for less than its filter's length, so silence follows what
            # is as short as that.
            self._waiting.append(np.zeros((self.rows, missing), np.float32))
        first = self._filtered() if self._waiting else self._ready()
        self._in.push(None)
        rest = np.concatenate([first, self._ready()], axis=1)
        return rest[:, :whole] if missing > 0 else rest

    def _filtered(self) -> np.ndarray:
        from av import AudioFrame

        rows, self._waiting = np.concatenate(self._waiting, axis=1), []
        packed = np.ascontiguousarray(rows.T, dtype=np.float32).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, format="flt", layout=self.layout)
        frame.sample_rate = self.source
        self._in.push(frame)
        return self._ready()

    def _ready(self) -> np.ndarray:
        parts = [frame.to_ndarray().reshape(-1, self.rows).T for frame in self._frames()]
        return np.concatenate(parts, axis=1) if parts else np.zeros((self.rows, 0), np.float32)

    def _frames(self) -> Iterator[AudioFrame]:
        import av

        while True:
            try:
                yield self._out.pull()  # type: ignore[misc]
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def resampled(waveform: np.ndarray, source: int, target: int) -> np.ndarray:
    """(sample,) float32 at ``source`` Hz -> (sample,) at ``target`` Hz.

    It is the same array where the rates agree.
    """
    if source == target or not len(waveform):
        return waveform
    resampler = Resampler(source, target, 1)
    parts = [
        resampler.push(waveform[None, at : at + BLOCK]) for at in range(0, len(waveform), BLOCK)
    ]
    return np.concatenate([*parts, resampler.flush()], axis=1)[0]
