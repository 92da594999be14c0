"""Worker processes as seen by their caller: lots of files in, clips with results out.

A worker that dies over a lot costs nothing but time: every file of it is given out once more,
alone. What kills a worker there too is a failure of its clips.
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality
from mmser.extraction.plan import Request
from mmser.extraction.work import Decoded, Work
from mmser.extraction.worker_process import serve_work
from mmser.media.clip_messages import clip_of, read_arrays, utterance_content
from mmser.media.decoder import Decoder, DecoderDeath
from mmser.media.forked import may_fork

PROGRAM = (sys.executable, "-P", "-m", "mmser.extraction.worker_process")

LOT_UTTERANCES = 8
"""Utterances of small files that are given out together."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Files that one worker is given at a time."""

    requests: tuple[Request, ...]

    @property
    def ids(self) -> list[str]:
        """The utterances of every file."""
        return [item.id for request in self.requests for item in request.utterances]


def lots(requests: Sequence[Request]) -> Iterator[Lot]:
    """Files one after another; those of pictures each alone, as they take long."""
    waiting: list[Request] = []
    count = 0
    for request in requests:
        size = LOT_UTTERANCES if request.frames else len(request.utterances)
        if waiting and count + size > LOT_UTTERANCES:
            yield Lot(tuple(waiting))
            waiting, count = [], 0
        waiting.append(request)
        count += size
    if waiting:
        yield Lot(tuple(waiting))


class Workers:
    """As many worker processes as asked for, each lent to one thread at a time."""

    def __init__(self, count: int, frame_rate: float, work: Work) -> None:
        self.frame_rate, self.work = frame_rate, work
        serve = serve_work if may_fork() else None
        self.all = [Decoder(PROGRAM, serve) for _ in range(count)]
        self.idle: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in self.all:
            self.idle.put(decoder)

    def close(self) -> None:
        """End them all; a thread that still reads from one sees it die."""
        for decoder in self.all:
            decoder.close()

    def clips(self, lot: Lot) -> Generator[Decoded]:
        """Every clip of the lot, in some order, whatever becomes of the workers."""
        worker = self.idle.get()
        try:
            yield from self._lot(worker, lot)
        finally:
            self.idle.put(worker)

    def _lot(self, worker: Decoder, lot: Lot) -> Iterator[Decoded]:
        finished: set[str] = set()
        try:
            for decoded in self._asked(worker, lot.requests, self.work):
                finished.add(decoded.clip.id)
                yield decoded
            return
        except DecoderDeath as death:
            cause = str(death)
        for request in lot.requests:
            rest = _without(request, finished)
            if not rest.utterances:
                continue
            if death_is_final(cause) and len(lot.requests) == 1:
                yield from self._apart(worker, rest, cause)
            else:
                yield from self._carefully(worker, rest)

    def _carefully(self, worker: Decoder, request: Request) -> Iterator[Decoded]:
        """A file over which a worker may have died, every clip of it sent as soon as it is there.

        Where its extractors kill the worker, the clip at fault is known and the others go on.
        """
        rest, cause = request, ""
        while rest.utterances:
            finished: set[str] = set()
            try:
                for decoded in self._asked(worker, (rest,), self.work, each_alone=True):
                    finished.add(decoded.clip.id)
                    yield decoded
                return
            except DecoderDeath as death:
                cause = str(death)
            rest = _without(rest, finished)
            first = replace(rest, utterances=rest.utterances[:1])
            if not self.work.concerns([item.id for item in first.utterances]):
                break
            try:
                survived = list(self._asked(worker, (first,), self.work.alone()))
            except DecoderDeath:
                break
            yield from (_blamed(decoded, self.work, cause) for decoded in survived)
            rest = replace(rest, utterances=rest.utterances[1:])
        yield from self._apart(worker, rest, cause)

    def _apart(self, worker: Decoder, request: Request, cause: str) -> Iterator[Decoded]:
        """What a decoder dies over: of sound and pictures each is tried alone."""
        if not (request.audio and request.frames):
            modality: Modality = "audio" if request.audio else "face"
            for item in request.utterances:
                failure = Failure(item.id, "decoder died", cause, modality)
                yield Decoded(Clip(item.id, failures=(failure,)))
            return
        # The sound of a whole file is small enough to wait for its pictures.
        sounds = {
            each.clip.id: each
            for each in self._either(worker, replace(request, frames=False), self.work)
        }
        for each in self._either(worker, replace(request, audio=False), Work()):
            sound = sounds[each.clip.id]
            yield replace(sound, clip=_joined(sound.clip, each.clip))

    def _either(self, worker: Decoder, request: Request, work: Work) -> Iterator[Decoded]:
        """The sound or the pictures of a file."""
        finished: set[str] = set()
        try:
            for decoded in self._asked(worker, (request,), work, each_alone=True):
                finished.add(decoded.clip.id)
                yield decoded
        except DecoderDeath as death:
            yield from self._apart(worker, _without(request, finished), str(death))

    def _asked(
        self, worker: Decoder, requests: Sequence[Request], work: Work, each_alone: bool = False
    ) -> Iterator[Decoded]:
        ids = [item.id for request in requests for item in request.utterances]
        files = [
            {
                "utterances": [utterance_content(item) for item in request.utterances],
                "options": {
                    "want_audio": request.audio,
                    "want_frames": request.frames,
                    "frame_rate": self.frame_rate,
                    "sample_rates": request.sample_rates,
                },
            }
            for request in requests
        ]
        content = {"files": files, "work": work.of(ids), "each_alone": each_alone}
        for message, answers in worker.answers(content):
            arrays = iter(read_arrays(answers, message))
            for clip in message["clips"]:
                yield _decoded(clip, {name: next(arrays) for name in clip["arrays"]})


def death_is_final(cause: str) -> bool:
    """Whether trying again would only take as long again: the decoder hung, or gave an error."""
    return not cause.startswith("ended")


def _decoded(message: dict[str, Any], arrays: dict[str, np.ndarray]) -> Decoded:
    results: dict[str, Features | Failure] = {}
    for name, content in message["results"].items():
        values, spans = arrays.pop(f"values {name}", None), arrays.pop(f"spans {name}", None)
        if values is None:
            results[name] = Failure(**content["failure"])
        else:
            results[name] = Features(values, content["frame_rate"], spans, content["notes"])
    took = {name: content["took"] for name, content in message["results"].items()}
    return Decoded(clip_of(message["clip"], arrays), results, took, message["seconds"])


def _blamed(decoded: Decoded, work: Work, cause: str) -> Decoded:
    """A clip over whose extractors workers died: failures of those."""
    clip = decoded.clip
    failure = Failure(clip.id, "worker died", f"over its extractor: {cause}")
    names = [name for name, ids in work.ids.items() if clip.id in ids]
    return replace(decoded, results=dict.fromkeys(names, failure))


def _without(request: Request, finished: set[str]) -> Request:
    rest = tuple(item for item in request.utterances if item.id not in finished)
    return replace(request, utterances=rest)


def _joined(sound: Clip, pictures: Clip) -> Clip:
    failures = sound.failures + pictures.failures
    return replace(sound, frames=pictures.frames, frame_rate=pictures.frame_rate, failures=failures)
