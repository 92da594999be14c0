"""Memory that is freed is kept for the next array.

By default glibc gives every large array back to the system and asks for it again, and the system
fills each of its pages with zeros: nearly half of the time of a spectrum.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of `mallopt`'s options in malloc.h."""

KEPT_BYTES = 256 * 1024 * 1024
"""Free memory at the end of the heap that is not given back."""

USUAL_BYTES = 128 * 1024
"""glibc's own value of both options."""


def keep_memory() -> None:
    """Until the process ends; without effect where the C library is another one."""
    _set(_glibc(), KEPT_BYTES)


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within the block alone; what is free at its end goes back.

    A process that lives on would grow: what is kept is scattered among what it makes later.
    """
    library = _glibc()
    _set(library, KEPT_BYTES)
    try:
        yield
    finally:
        _set(library, USUAL_BYTES)
        if library is not None:
            library.malloc_trim(0)


def _glibc() -> Any:
    """The C library where it knows these options, else None."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def _set(library: Any, count: int) -> None:
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, count)
        library.mallopt(_TRIM_THRESHOLD, count)
