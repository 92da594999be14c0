"""Clips in the planned order, decoded ahead of the encoders by threads, never more in memory than a few."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from mmser.core.clip import Clip
from mmser.extraction.plan import Request
from mmser.media.decode import stream_clips

CLIPS_AHEAD = 4
"""Clips of one file that may wait for the encoders."""

FILES_AHEAD = 2
"""Files per thread that are decoded, or wait decoded, beyond the one in use."""

_Waiting = queue.Queue[Clip | None]


def clips_in_order(requests: Sequence[Request], frame_rate: float, workers: int) -> Generator[Clip]:
    """The clips of every request, in order; every file is opened once.

    ``workers`` threads decode while the caller computes (the decoder releases the interpreter); 0 decodes in the
    caller's thread, clip by clip.
    """
    if workers <= 0:
        for request in requests:
            yield from _ordered(request, frame_rate)
        return
    stop = threading.Event()
    ahead: deque[tuple[_Waiting, Future[None]]] = deque()
    upcoming = iter(requests)
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        try:
            while True:
                for request in islice(upcoming, workers * FILES_AHEAD - len(ahead)):
                    room: _Waiting = queue.Queue(CLIPS_AHEAD)
                    ahead.append((room, pool.submit(_pump, request, frame_rate, room, stop)))
                if not ahead:
                    return
                waiting, decoded = ahead.popleft()
                while (clip := waiting.get()) is not None:
                    yield clip
                decoded.result()
        finally:
            stop.set()


def _ordered(request: Request, frame_rate: float) -> Iterator[Clip]:
    """`stream_clips` yields a clip when it is complete; overlapping turns may complete out of order."""
    early: dict[str, Clip] = {}
    order = iter(request.utterances)
    due = next(order, None)
    for clip in stream_clips(request.utterances, request.audio, request.frames, frame_rate):
        early[clip.id] = clip
        while due is not None and due.id in early:
            yield early.pop(due.id)
            due = next(order, None)


def _pump(request: Request, frame_rate: float, waiting: _Waiting, stop: threading.Event) -> None:
    """Decode one request into its queue; None marks the end, also after an error."""
    try:
        for clip in _ordered(request, frame_rate):
            if not _put(waiting, clip, stop):
                return
    finally:
        _put(waiting, None, stop)


def _put(waiting: _Waiting, clip: Clip | None, stop: threading.Event) -> bool:
    """Wait for room; False when nobody will read any more."""
    while not stop.is_set():
        try:
            waiting.put(clip, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False
