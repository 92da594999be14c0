"""A full disk, reported as one clear error that names the file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmser.core.errors import MmserError

_FULL = {errno.ENOSPC: "No space left on device", errno.EDQUOT: "Disk quota exceeded"}
_WORDS = (
    *_FULL.values(),
    *(f"os error {number}" for number in _FULL),
    "PytorchStreamWriter failed writing file",
)
"""The same in the messages of libraries that do not raise OSError (safetensors, torch)."""


@contextmanager
def full_disk_named(path: str | Path) -> Iterator[None]:
    """Raise MmserError that names ``path`` when the disk or quota is full within the block.

    ``path`` is what the block writes, with any library. The operating system's own message has no
    file name when the disk fills up in the middle of one.
    """
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        message = _FULL.get(_number(error), _FULL[errno.ENOSPC])
        remedy = "Free some space there, then repeat the command; it goes on."
        raise MmserError(f"room on the disk for {path}", message, remedy) from error


def _is_full(error: Exception) -> bool:
    return _number(error) in _FULL or any(words in str(error) for words in _WORDS)


def _number(error: Exception) -> int:
    """The operating system's number of an error, 0 where it has none."""
    # Some errors of PyAV have a number without being an OSError.
    return getattr(error, "errno", None) or 0
