"""Clips in the planned order, decoded ahead of the encoders by other processes.

Only so much is in memory at a time.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from mmser.core.clip import Clip, Features
from mmser.core.utterance import Utterance
from mmser.extraction.plan import Request
from mmser.extraction.work import Decoded, Work, seconds_of
from mmser.extraction.workers import Lot, Workers, lots
from mmser.media.decode import stream_clips

BYTES_AHEAD = 256 * 1024 * 1024
"""Decoded clips may take so much memory while they wait for the encoders."""

LOTS_AHEAD = 16
LOTS_PER_WORKER = 2
"""Lots that are decoded, or wait decoded, beyond the one in use: as many of the former, or more
where there are many workers."""


def clips_in_order(requests: Sequence[Request], frame_rate: float, workers: int) -> Generator[Clip]:
    """The clips of every request, in order; every file is opened once.

    ``workers`` processes decode while the caller computes. What a decoder that crashes or hangs
    leaves undone is a failure "decoder died" of its clips, and the next file gets a new decoder. 0
    decodes in the caller's own process, clip by clip, and a crash ends it.
    """
    with closing(decoded_in_order(requests, frame_rate, workers, None)) as every:
        for decoded in every:
            yield decoded.clip


def decoded_in_order(
    requests: Sequence[Request], frame_rate: float, workers: int, work: Work | None
) -> Generator[Decoded]:
    """`clips_in_order`, with what the workers compute beside decoding.

    Without ``work`` they compute nothing, and all sound comes to the caller.
    """
    every_lot = list(lots(requests)) if workers > 0 else []
    if not every_lot:
        return _decoded_here(requests, frame_rate)
    count = min(workers, len(every_lot))
    clips = _decoded_apart(every_lot, count, frame_rate, work or _all_sound(requests))
    # The workers begin now: while the caller loads its networks, its first clips are decoded.
    next(clips)
    return clips  # type: ignore[return-value] # what is not a clip has been taken


def _decoded_apart(
    every_lot: Sequence[Lot], count: int, frame_rate: float, work: Work
) -> Generator[Decoded | None]:
    """None once the workers have begun, then every clip in order."""
    lanes = _Lanes()
    ahead: deque[tuple[_Lane, Future[None]]] = deque()
    upcoming = iter(every_lot)
    # Closed once to wake the threads that wait for a worker, and once more when no thread can
    # start another.
    with (
        closing(Workers(count, frame_rate, work)) as processes,
        ThreadPoolExecutor(count, thread_name_prefix="decode") as pool,
    ):

        def go_on() -> None:
            most = max(LOTS_AHEAD, count * LOTS_PER_WORKER)
            for lot in islice(upcoming, most - len(ahead)):
                lane = _Lane()
                ahead.append((lane, pool.submit(_pump, lot, processes, lanes, lane)))

        try:
            go_on()
            yield None
            while ahead:
                lane, pumped = ahead.popleft()
                while (decoded := lanes.take(lane)) is not None:
                    yield decoded
                pumped.result()
                go_on()
        finally:
            lanes.stop()
            processes.close()


def _decoded_here(requests: Sequence[Request], frame_rate: float) -> Generator[Decoded]:
    for request in requests:
        clips = stream_clips(
            request.utterances,
            request.audio,
            request.frames,
            frame_rate,
            sample_rates=request.sample_rates,
        )
        every = (Decoded(clip, seconds=seconds_of(clip)) for clip in clips)
        yield from _ordered(request.utterances, every)


def _all_sound(requests: Sequence[Request]) -> Work:
    kept: dict[int, set[str]] = {}
    for request in requests:
        for rate in request.sample_rates:
            kept.setdefault(rate, set()).update(item.id for item in request.utterances)
    return Work(kept=kept)


def _ordered(utterances: Sequence[Utterance], clips: Iterable[Decoded]) -> Iterator[Decoded]:
    """A decoder yields a clip when it is complete; overlapping turns may complete out of order."""
    early: dict[str, Decoded] = {}
    order = iter(utterances)
    due = next(order, None)
    for decoded in clips:
        early[decoded.clip.id] = decoded
        while due is not None and due.id in early:
            yield early.pop(due.id)
            due = next(order, None)


@dataclass(slots=True, eq=False)
class _Lane:
    """Clips of one lot that wait for the encoders; ``ended`` after the last."""

    waiting: deque[tuple[Decoded, int]] = field(default_factory=deque)
    ended: bool = False


class _Lanes:
    """The lanes of all lots, which share the memory for what waits.

    The lane that the encoders read from may always bring its next clip, or nothing would go on.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._bytes = 0
        self._read: _Lane | None = None
        self._stopped = False

    def put(self, lane: _Lane, decoded: Decoded) -> bool:
        """Wait for room; False when nobody will read any more."""
        size = _bytes_of(decoded)
        with self._changed:
            while not self._stopped and self._bytes + size > BYTES_AHEAD:
                if lane is self._read and not lane.waiting:
                    break
                self._changed.wait()
            lane.waiting.append((decoded, size))
            self._bytes += size
            self._changed.notify_all()
            return not self._stopped

    def end(self, lane: _Lane) -> None:
        """Nothing more comes, also after an error."""
        with self._changed:
            lane.ended = True
            self._changed.notify_all()

    def take(self, lane: _Lane) -> Decoded | None:
        """The next clip of a lane, when it is there; None after the last."""
        with self._changed:
            if self._read is not lane:
                self._read = lane
                self._changed.notify_all()
            while not lane.waiting and not lane.ended:
                self._changed.wait()
            if not lane.waiting:
                return None
            decoded, size = lane.waiting.popleft()
            self._bytes -= size
            self._changed.notify_all()
            return decoded

    def stop(self) -> None:
        """Nobody reads any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def _bytes_of(decoded: Decoded) -> int:
    clip = decoded.clip
    arrays = [clip.waveform, clip.frames, *clip.waveforms.values()]
    for result in decoded.results.values():
        if isinstance(result, Features):
            arrays += [result.values, result.spans]
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def _pump(lot: Lot, processes: Workers, lanes: _Lanes, lane: _Lane) -> None:
    """Decode one lot into its lane."""
    try:
        found: dict[str, Decoded] = {}
        order = deque(lot.ids)
        with closing(processes.clips(lot)) as clips:
            for decoded in clips:
                found[decoded.clip.id] = decoded
                while order and order[0] in found:
                    if not lanes.put(lane, found.pop(order.popleft())):
                        return
    finally:
        lanes.end(lane)
