"""Files whose checksum this process has found right: each is read through once, not once an epoch
or a worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mmser.cache.atomic import file_digest
from mmser.cache.remedy import rebuild
from mmser.core.errors import MmserError

Stamp = tuple[int, int, int, str]
"""Size in bytes, time of the last change in nanoseconds, inode and SHA-256 of a file that was read
through.
"""

_right: dict[str, Stamp] = {}


def check_file(path: Path, checksum: str) -> None:
    """Read a file of a store through unless this process has; raises MmserError when its SHA-256 is
    another.

    A file that changed in size, time or place since then is read again.
    """
    stamp = _stamp(path, checksum)
    if _right.get(_place(path)) == stamp:
        return
    if file_digest(path) != checksum:
        raise MmserError(
            f"{path} as preprocessing wrote it",
            "another checksum: it is damaged",
            rebuild(path.parent),
        )
    _right[_place(path)] = stamp


def unchecked_bytes(files: Iterable[tuple[Path, str]]) -> int:
    """What `check_file` would read of these (path, checksum)."""
    stamps = {path: _stamp(path, checksum) for path, checksum in files}
    return sum(stamp[0] for path, stamp in stamps.items() if _right.get(_place(path)) != stamp)


def checked_files() -> dict[str, Stamp]:
    """What this process has found right, for the processes it starts."""
    return dict(_right)


def adopt(files: Mapping[str, Iterable[object]]) -> None:
    """Take over what the starting process has found right; a file that changed since is read again
    all the same.
    """
    for path, stamp in files.items():
        size, changed, inode, checksum = stamp
        _right.setdefault(path, (int(str(size)), int(str(changed)), int(str(inode)), str(checksum)))


def _place(path: Path) -> str:
    return str(path.resolve())


def _stamp(path: Path, checksum: str) -> Stamp:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino, checksum
