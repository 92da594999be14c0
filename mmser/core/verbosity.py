"""Whether much is said of a training: also in the processes that it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

VERBOSE = "MMSER_VERBOSE"
"""The environment variable; 1 asks for a line per epoch."""


def is_verbose() -> bool:
    """Whether a line per epoch is asked for."""
    return os.environ.get(VERBOSE, "0") not in ("", "0")


@contextmanager
def verbose(wanted: bool = True) -> Iterator[None]:
    """Within, `is_verbose` where it is ``wanted``; else as before."""
    before = os.environ.get(VERBOSE)
    if wanted:
        os.environ[VERBOSE] = "1"
    try:
        yield
    finally:
        if wanted:
            os.environ.pop(VERBOSE)
            if before is not None:
                os.environ[VERBOSE] = before
