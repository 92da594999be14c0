"""How large and how long a recording of a stranger may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmser.core.errors import MmserError, UsageError
from mmser.inference.recording import Recording

MEGABYTE = 10**6
LONGEST_WHOLE = 60.0
"""Seconds of one utterance: the work of attention grows with the square of its length."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``largest`` in MB, ``longest`` in minutes."""

    largest: float = 100.0
    longest: float = 10.0

    def __post_init__(self) -> None:
        """Raises UsageError for what is no limit."""
        for name, value, most in (
            ("--largest", self.largest, 10_000.0),
            ("--longest", self.longest, 600.0),
        ):
            if not 0 < value <= most:
                raise UsageError(f"{name} above 0 and up to {most:g}", f"{value:g}", "Correct it.")

    @property
    def bytes(self) -> int:
        """Of a file."""
        return round(self.largest * MEGABYTE)

    def text(self) -> str:
        """In words: "up to 100 MB and 10 minutes"."""
        return f"up to {self.largest:g} MB and {self.longest:g} minutes"

    def check_size(self, path: Path) -> None:
        """Raise MmserError for a file that is too large; asked before it is opened."""
        size = path.stat().st_size
        if size > self.bytes:
            raise MmserError(
                f"a file of {self.text()}",
                f"{size / MEGABYTE:.0f} MB",
                "Cut it, or use `mmser predict`, which has no limit.",
            )

    def check_length(self, recording: Recording, whole: bool) -> None:
        """Raise MmserError for a recording that is too long, or too long for one utterance."""
        seconds = recording.seconds
        if seconds > 60 * self.longest:
            raise MmserError(
                f"a recording of {self.text()}",
                f"{seconds / 60:.1f} minutes",
                "Cut it, or use `mmser predict`, which has no limit.",
            )
        if whole and seconds > LONGEST_WHOLE:
            raise MmserError(
                f"one utterance of up to {LONGEST_WHOLE:g} s",
                f"{seconds:.0f} s",
                "Let the recording be cut where nobody speaks.",
            )
