"""The number of features that a config states, beside that of its checkpoint."""

from __future__ import annotations

from pathlib import Path

from mmser.core.errors import MmserError


def check_size(stated: int, size: int, source: str | Path) -> None:
    """Raise MmserError unless the network of ``source`` has as many features as are stated."""
    if size != stated:
        raise MmserError(f"a checkpoint of size {stated}", f"{size} in {source}", "Set `size`.")
