"""Files whose checksum this process has verified, so that each is read through only once.

Without that, every epoch and every worker would read the whole cache again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from mmser.cache.atomic import file_digest
from mmser.cache.remedy import rebuild
from mmser.core.errors import MmserError

Stamp = tuple[int, int, int, str]
"""Of a file that was read through: size in bytes, time of the last change in nanoseconds, inode and
SHA-256.
"""

_verified: dict[str, Stamp] = {}


def check_file(path: Path, checksum: str) -> None:
    """Verify a file of a store, unless this process has; raises MmserError for another SHA-256.

    A file that changed in size, time or place since then is read again.
    """
    stamp = _stamp(path, checksum)
    if _verified.get(_place(path)) == stamp:
        return
    if file_digest(path) != checksum:
        raise MmserError(
            f"{path} as preprocessing wrote it",
            "another checksum: it is damaged",
            rebuild(path.parent),
        )
    _verified[_place(path)] = stamp


def unchecked_bytes(files: Iterable[tuple[Path, str]]) -> int:
    """How many bytes `check_file` would read of these (path, checksum)."""
    stamps = {path: _stamp(path, checksum) for path, checksum in files}
    return sum(stamp[0] for path, stamp in stamps.items() if _verified.get(_place(path)) != stamp)


def checked_files() -> dict[str, Stamp]:
    """What this process has verified, for the processes it starts."""
    return dict(_verified)


def adopt(files: Mapping[str, Iterable[object]]) -> None:
    """Take over what the starting process has verified.

    A file that changed since then is read again all the same.
    """
    for path, stamp in files.items():
        size, changed, inode, checksum = map(str, stamp)
        _verified.setdefault(path, (int(size), int(changed), int(inode), checksum))


def _place(path: Path) -> str:
    return str(path.resolve())


def _stamp(path: Path, checksum: str) -> Stamp:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino, checksum
