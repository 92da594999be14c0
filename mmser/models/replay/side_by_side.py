"""Works that do not need each other, on streams of their own while a CUDA graph is recorded.

A recurrence keeps a few of a GPU's processors busy for hundreds of steps: those of other streams
and of the other direction fit beside it. Started one by one, kernels come too slowly for that, so
that outside a recording all is done in order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from mmser.models.layers.masks.derived import one_pass

Result = TypeVar("Result")


class _Recording(threading.local):
    goes_on = False


_recording = _Recording()


@contextmanager
def recording() -> Iterator[None]:
    """Within, a graph is being recorded by this thread."""
    _recording.goes_on = True
    try:
        yield
    finally:
        _recording.goes_on = False


def side_by_side(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """What each of ``works`` gives."""
    if len(works) < 2 or not _recording.goes_on:
        return [work() for work in works]
    here = torch.cuda.current_stream()
    streams = [torch.cuda.Stream() for _ in works[1:]]
    for stream in streams:
        stream.wait_stream(here)
    results = []
    for work, stream in zip(works, [here, *streams], strict=True):
        # What one of them remembers of a mask is not ready when another asks for it.
        with torch.cuda.stream(stream), one_pass():
            results.append(work())
    for stream in streams:
        here.wait_stream(stream)
    return results
