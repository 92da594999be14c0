"""How far, how fast, how long: a bar on a terminal, a plain line now and then anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

LINE_SECONDS = 15.0
"""Pause between plain lines."""


class Progress:
    """Counts utterances, or another ``unit``, on standard error; silent when ``shown`` is false."""

    def __init__(
        self, title: str, total: int, shown: bool = True, unit: str = "utterances"
    ) -> None:
        self.title, self.total, self.shown, self.unit = title, total, shown, unit
        self.done = self._told = 0  # how many the last line told of
        self.facts: Callable[[], str] = str
        """What else is said of the work, beside how far it is; called with each line."""
        self._begun = self._said = time.monotonic()
        self._bar: Any = None
        if shown and total and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=title, unit=f" {unit}", smoothing=0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
            if self.facts() and kind is None:
                sys.stderr.write(f"{self.title}: {self.facts()}\n")
        elif self._told != self.done and kind is None:
            self._line()

    def step(self, count: int) -> None:
        """``count`` more utterances are stored."""
        self.done += count
        if self._bar is not None:
            self._bar.set_postfix_str(self.facts(), refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._said > LINE_SECONDS:
            self._line()

    def say(self, text: str) -> None:
        """A line of its own, beside the bar."""
        if not self.shown:
            return
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            sys.stderr.write(f"{self.title}: {text}\n")

    def _line(self) -> None:
        self._said, self._told = time.monotonic(), self.done
        rate = self.done / max(self._said - self._begun, 1e-9)
        left = (self.total - self.done) / rate if rate else 0.0
        facts = self.facts()
        self.say(
            f"{self.done}/{self.total} {self.unit}, {rate:.1f} per second, {left / 60:.1f} min left"
            + (f"; {facts}" if facts else "")
        )
