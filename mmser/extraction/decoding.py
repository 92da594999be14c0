"""Clips in the planned order, decoded ahead of the encoders by other processes.

Only a few are in memory at a time.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import islice

from mmser.core.clip import Clip, Failure, Modality
from mmser.core.utterance import Utterance
from mmser.extraction.plan import Request
from mmser.media.decode import stream_clips
from mmser.media.decoder import Decoder, DecoderDeath

CLIPS_AHEAD = 4
"""Clips of one file that may wait for the encoders."""

FILES_AHEAD = 2
"""Files per decoder that are decoded, or wait decoded, beyond the one in use."""

_Waiting = queue.Queue[Clip | None]


def clips_in_order(requests: Sequence[Request], frame_rate: float, workers: int) -> Generator[Clip]:
    """The clips of every request, in order; every file is opened once.

    ``workers`` processes decode while the caller computes. What a decoder that crashes or hangs
    leaves undone is a failure "decoder died" of its clips, and the next file gets a new decoder. 0
    decodes in the caller's own process, clip by clip, and a crash ends it.
    """
    if workers <= 0:
        for request in requests:
            decoded = stream_clips(
                request.utterances,
                request.audio,
                request.frames,
                frame_rate,
                sample_rates=request.sample_rates,
            )
            yield from _ordered(request.utterances, decoded)
        return
    workers = min(workers, len(requests)) or 1
    stop = threading.Event()
    ahead: deque[tuple[_Waiting, Future[None]]] = deque()
    upcoming = iter(requests)
    # Closed once to wake the threads that wait for a decoder, and once more when no thread can
    # start another.
    with (
        closing(_Decoders(workers)) as decoders,
        ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool,
    ):
        try:
            while True:
                for request in islice(upcoming, workers * FILES_AHEAD - len(ahead)):
                    room: _Waiting = queue.Queue(CLIPS_AHEAD)
                    ahead.append(
                        (room, pool.submit(_pump, request, frame_rate, decoders, room, stop))
                    )
                if not ahead:
                    return
                waiting, pumped = ahead.popleft()
                while (clip := waiting.get()) is not None:
                    yield clip
                pumped.result()
        finally:
            stop.set()
            decoders.close()


class _Decoders:
    """As many decoder processes as threads, each lent to one thread at a time."""

    def __init__(self, count: int) -> None:
        self.all = [Decoder() for _ in range(count)]
        self.idle: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in self.all:
            self.idle.put(decoder)

    def close(self) -> None:
        """End them all; a thread that still reads from one sees its decoder die."""
        for decoder in self.all:
            decoder.close()


def _ordered(utterances: Sequence[Utterance], clips: Iterable[Clip]) -> Iterator[Clip]:
    """A decoder yields a clip when it is complete; overlapping turns may complete out of order."""
    early: dict[str, Clip] = {}
    order = iter(utterances)
    due = next(order, None)
    for clip in clips:
        early[clip.id] = clip
        while due is not None and due.id in early:
            yield early.pop(due.id)
            due = next(order, None)


def _apart(decoder: Decoder, request: Request, frame_rate: float) -> Iterator[Clip]:
    """A request through another process.

    Where the decoder dies over sound and pictures, each is tried alone.
    """
    finished: set[str] = set()
    try:
        for clip in decoder.clips(
            request.utterances,
            want_audio=request.audio,
            want_frames=request.frames,
            frame_rate=frame_rate,
            sample_rates=request.sample_rates,
        ):
            finished.add(clip.id)
            yield clip
        return
    except DecoderDeath as death:
        cause = str(death)
    rest = replace(
        request, utterances=tuple(item for item in request.utterances if item.id not in finished)
    )
    if request.audio and request.frames:
        # The sound of a whole file is small enough to wait for its pictures.
        sounds = {
            clip.id: clip for clip in _apart(decoder, replace(rest, frames=False), frame_rate)
        }
        for pictures in _apart(decoder, replace(rest, audio=False), frame_rate):
            yield _joined(sounds[pictures.id], pictures)
    else:
        modality: Modality = "audio" if request.audio else "face"
        for item in rest.utterances:
            yield Clip(item.id, failures=(Failure(item.id, "decoder died", cause, modality),))


def _joined(sound: Clip, pictures: Clip) -> Clip:
    failures = sound.failures + pictures.failures
    return replace(sound, frames=pictures.frames, frame_rate=pictures.frame_rate, failures=failures)


def _pump(
    request: Request,
    frame_rate: float,
    decoders: _Decoders,
    waiting: _Waiting,
    stop: threading.Event,
) -> None:
    """Decode one request into its queue; None marks the end, also after an error."""
    decoder = decoders.idle.get()
    try:
        for clip in _ordered(request.utterances, _apart(decoder, request, frame_rate)):
            if not _put(waiting, clip, stop):
                return
    finally:
        decoders.idle.put(decoder)
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
