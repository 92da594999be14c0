"""A full disk, told as one clear error that names the file."""

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
"""How libraries that do not raise OSError tell of it (safetensors in Rust's words, torch in its
own).
"""


@contextmanager
def full_disk_named(path: str | Path) -> Iterator[None]:
    """Within the block ``path`` is written; a full disk or quota raises MmserError naming it,
    whichever library writes.

    The operating system's own message has no file name when the disk fills up in the middle of one.
    """
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        found = _FULL.get(getattr(error, "errno", None) or 0, _FULL[errno.ENOSPC])
        remedy = "Free some space there, then repeat the command; it goes on."
        raise MmserError(f"room on the disk for {path}", found, remedy) from error


def _is_full(error: Exception) -> bool:
    return getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _WORDS)
