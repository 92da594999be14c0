"""Stores in which nothing was stored: what a first try that failed leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmser.cache.layout import INDEX, INFO, TRANSCRIPTS
from mmser.cache.pieces import pieces_of
from mmser.cache.rows import row_count


def is_empty(directory: Path) -> bool:
    """Whether nothing was stored: no utterance, done or failed, and no interrupted job's files."""
    tables = [path for path in (directory / INDEX, directory / TRANSCRIPTS) if path.exists()]
    pieces = [piece for table in tables for piece in pieces_of(table)]
    return not any(directory.glob("*.safetensors")) and all(
        row_count(table) == 0 for table in (*tables, *pieces)
    )


@contextmanager
def no_empty_store(directory: Path) -> Iterator[None]:
    """Remove the store's folder when the block fails before anything was stored.

    The store's lock must be held.
    """
    try:
        yield
    except BaseException:
        if is_empty(directory):
            for name in (INDEX, TRANSCRIPTS, INFO):
                (directory / name).unlink(missing_ok=True)
            with suppress(OSError):  # Something else lies in it.
                directory.rmdir()
        raise
