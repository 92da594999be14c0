"""Which stage of an extraction is waited for: decoding, the network, or writing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Stage = Literal["decoding", "computing", "writing"]


class Stages:
    """Seconds that the work as a whole waited for each stage, and the media it went through."""

    def __init__(self) -> None:
        self.waited: dict[Stage, float] = {"decoding": 0.0, "computing": 0.0, "writing": 0.0}
        self.media_seconds = 0.0
        self._begun = time.perf_counter()

    @contextmanager
    def waiting(self, stage: Stage) -> Iterator[None]:
        """The work stands still for this stage while the block runs."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.waited[stage] += time.perf_counter() - begun

    @property
    def shares(self) -> dict[Stage, float]:
        """Parts of the time since the beginning."""
        whole = max(time.perf_counter() - self._begun, 1e-9)
        return {stage: seconds / whole for stage, seconds in self.waited.items()}

    @property
    def real_time_factor(self) -> float:
        """Seconds of media per second of work; 0 where no media are read."""
        return self.media_seconds / max(time.perf_counter() - self._begun, 1e-9)

    def __str__(self) -> str:
        """``86x real time; waited for decoding 70 %, computing 20 %, writing 5 %``."""
        shares = ", ".join(f"{stage} {share:.0%}" for stage, share in self.shares.items())
        factor = f"{self.real_time_factor:.0f}x real time; " if self.media_seconds else ""
        return f"{factor}waited for {shares}"
