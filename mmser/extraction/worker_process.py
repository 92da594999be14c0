"""The program of a worker process: it decodes media files and runs extractors without a network.

Clips come back several to a message, each with the results that were asked for in place of its
sound. See `mmser.extraction.workers`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features
from mmser.core.kept_memory import keep_memory
from mmser.extraction.batches import BREAKDOWNS, breakdown
from mmser.extraction.clip_shares import broken, sound_alone
from mmser.extraction.work import made, seconds_of
from mmser.media.clip_messages import clip_content, utterance_of, write_arrays
from mmser.media.decode import stream_clips
from mmser.media.decoder_process import Heartbeat, serve_socket

GROUP_BYTES = 4 * 1024 * 1024
GROUP_SECONDS = 0.25
"""A message is sent when it holds so much, or when its first clip has waited so long."""


class Group:
    """Clips that wait to be sent together."""

    def __init__(self, stream: BinaryIO, each_alone: bool) -> None:
        self.stream = stream
        self.bytes, self.patience = (0, 0.0) if each_alone else (GROUP_BYTES, GROUP_SECONDS)
        self._clips: list[dict[str, Any]] = []
        self._arrays: list[np.ndarray] = []
        self._begun = time.monotonic()

    def add(self, content: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Take one clip; ``arrays`` by the names under which it is made again."""
        if not self._clips:
            self._begun = time.monotonic()
        self._clips.append({**content, "arrays": list(arrays)})
        self._arrays += arrays.values()
        size = sum(array.nbytes for array in self._arrays)
        if size >= self.bytes or time.monotonic() - self._begun >= self.patience:
            self.send()

    def send(self) -> None:
        """What waits, if anything does."""
        if self._clips:
            write_arrays(self.stream, {"clips": self._clips}, self._arrays)
            self._clips, self._arrays = [], []


@lru_cache(maxsize=32)
def _extractor(description: str) -> Any:
    """Made once: some read files, or build engines that serve many clips."""
    return made(json.loads(description))


def answer(request: dict[str, Any], answers: BinaryIO, heartbeat: Heartbeat) -> None:
    """The clips of the files of one request."""
    group = Group(answers, request["each_alone"])
    work = request["work"]
    extractors = {
        name: _extractor(json.dumps(description, sort_keys=True))
        for name, description in work["extractors"].items()
    }
    due = {name: set(ids) for name, ids in work["ids"].items()}
    kept = {rate: set(ids) for rate, ids in work["kept"]}
    for file in request["files"]:
        utterances = [utterance_of(content) for content in file["utterances"]]
        for clip in stream_clips(utterances, beat=heartbeat, **file["options"]):
            asked = {name: each for name, each in extractors.items() if clip.id in due[name]}
            group.add(*_worked(clip, asked, kept))
            heartbeat()
    group.send()


def serve_work(descriptor: int) -> None:
    """Serve a caller until it closes the socket of that number."""
    keep_memory()
    serve_socket(descriptor, answer)


def _worked(
    clip: Clip, extractors: Mapping[str, Any], kept: Mapping[int, set[str]]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The message of one clip: results, and the sound that the caller still needs."""
    rates = {rate for rate, ids in kept.items() if clip.id in ids}
    results: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, extractor in extractors.items():
        if clip.sound(extractor.sample_rate) is None:
            continue
        begun = time.perf_counter()
        result = _extracted(extractor, clip)
        took = time.perf_counter() - begun
        if result is None:
            rates.add(extractor.sample_rate)
            continue
        results[name] = {"took": took, **_content(result)}
        if isinstance(result, Features):
            arrays[f"values {name}"] = np.asarray(result.values)
            if result.spans is not None:
                arrays[f"spans {name}"] = np.asarray(result.spans)
    plain, of_clip = clip_content(_with_sound(clip, rates))
    return {"clip": plain, "seconds": seconds_of(clip), "results": results}, of_clip | arrays


def _extracted(extractor: Any, clip: Clip) -> Features | Failure | None:
    """One result; None where the caller must try itself, as it then sees the error."""
    try:
        (result,) = extractor.extract([sound_alone(clip, extractor.sample_rate)])
    except BREAKDOWNS as error:
        return broken(clip, breakdown(error))
    # The caller meets the same error, and stops by it.
    except Exception:  # noqa: BLE001
        return None
    return result if isinstance(result, Features | Failure) else None


def _content(result: Features | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {"failure": asdict(result)}
    rate = None if result.frame_rate is None else float(result.frame_rate)
    return {"frame_rate": rate, "notes": result.notes}


def _with_sound(clip: Clip, rates: set[int]) -> Clip:
    waveforms = {rate: each for rate, each in clip.waveforms.items() if rate in rates}
    return replace(
        clip, waveform=clip.waveform if SAMPLE_RATE in rates else None, waveforms=waveforms
    )


if __name__ == "__main__":
    serve_work(int(sys.argv[1]))
