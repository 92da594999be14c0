"""Memory that is freed is kept for the next array.

By default glibc gives every large array back to the system and asks for it again, and the system
fills each of its pages with zeros: nearly half of the time of a spectrum.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of `mallopt`'s options in malloc.h."""

KEPT_BYTES = 256 * 1024 * 1024
"""Free memory at the end of the heap that is not given back."""


def keep_memory() -> None:
    """Until the process ends; without effect where the C library is another one."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, KEPT_BYTES)
