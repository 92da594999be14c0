"""Paths as people type them: home folders, and names that no file can have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The path with ``~`` and ``~name`` replaced by home folders.

    It stays as it is where there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_there(path: Path, kind: Callable[[Path], bool] = Path.is_file) -> bool:
    """Whether there is such a file (or folder).

    A path that no file can have (too long, a zero byte) is not there.
    """
    try:
        return kind(path)
    except (OSError, ValueError):
        return False
