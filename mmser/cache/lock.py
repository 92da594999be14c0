"""One writer per store: a lock file that names its owner and dies with it."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmser.core.errors import MmserError

_POLL_SECONDS = 0.1


@contextmanager
def locked(
    path: Path, wait: bool = True, say: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Hold the lock file ``path`` for the block, then remove it.

    The file names its owner's process. The operating system drops the lock when the owner dies, so
    a file that is left over is simply used again. While another process holds the lock: ``wait``
    until it ends (``say`` is called once with a line that names it), or else raise MmserError
    naming it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _try_lock(path)
    if descriptor is None:
        if not wait:
            raise MmserError(
                f"{path.stem} to be free",
                _owner(path),
                "Wait until it ends, or end it, then repeat.",
            )
        if say:
            say(f"waiting for {_owner(path)}, which writes {path.stem}")
    while descriptor is None:
        time.sleep(_POLL_SECONDS)
        descriptor = _try_lock(path)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock, or None while another process does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The last owner may have removed the file between our opening and our locking: then it
        # guards nothing.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    os.close(descriptor)
    return None


def _owner(path: Path) -> str:
    try:
        pid, _, host = path.read_text(encoding="utf-8").strip().partition(" ")
    except FileNotFoundError:
        return "another process"
    return f"process {pid} on {host}" if pid else "another process"
