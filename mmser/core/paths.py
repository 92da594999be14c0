"""Paths as people type them: home folders, and names that no file can have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """The absolute path; ``~`` and ``~name`` are home folders where there is such a user."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:  # no such user
        return Path(path).absolute()


def is_there(path: Path, kind: Callable[[Path], bool] = Path.is_file) -> bool:
    """Whether there is such a file (or folder); a path that nothing can have (too long, a zero byte) is not there."""
    try:
        return kind(path)
    except (OSError, ValueError):
        return False
