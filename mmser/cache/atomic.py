"""Files that appear whole or not at all: written aside, flushed to the disk, renamed."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmser.cache.layout import TEMPORARY
from mmser.core.disk import full_disk_named

_BLOCK = 1 << 20


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Hand out a temporary path beside ``path``; it replaces ``path`` when the block ends well.

    It gets the mode that any new file has (umask), whoever writes it; when the block fails nothing
    is left of it. The temporary name is fixed: two writers must hold a lock. Raises MmserError
    naming ``path`` when the disk is full.
    """
    aside = path.with_name(path.name + TEMPORARY)
    with full_disk_named(path):
        aside.unlink(missing_ok=True)
        aside.touch()
        # Some libraries replace the file by one that its owner alone may read.
        mode = aside.stat().st_mode
        try:
            yield aside
            if aside.stat().st_mode != mode:
                aside.chmod(stat.S_IMODE(mode))
            _flush(aside)
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        _flush(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with written_aside(path) as aside:
        aside.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON whole or not at all; keys keep their order, NaN is refused."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode())


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _flush(path: Path) -> None:
    """fsync a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
