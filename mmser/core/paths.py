"""Paths as people type them: home folders, and names that no file can have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with ``~`` and ``~name`` as home folders where there is such a user, and as it
    stands otherwise.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_there(path: Path, kind: Callable[[Path], bool] = Path.is_file) -> bool:
    """Whether there is such a file (or folder); a path that nothing can have (too long, a zero
    byte) is not there.
    """
    try:
        return kind(path)
    except (OSError, ValueError):
        return False
