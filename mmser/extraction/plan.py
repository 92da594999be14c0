"""The order of work: a function of the manifest alone, so that an interrupted job and an undisturbed one agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmser.core.utterance import Utterance

CHUNK = 64
"""Utterances whose results are stored together; batches are formed inside a chunk and an interruption loses one."""


@dataclass(frozen=True, slots=True)
class Request:
    """Utterances of one media file, in the planned order, and which parts of them are wanted."""

    utterances: tuple[Utterance, ...]
    audio: bool
    frames: bool


def planned(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Media files in order of first appearance, the utterances of each by start time: the order of the cache."""
    files: dict[Path | str, list[Utterance]] = {}
    for utterance in utterances:
        files.setdefault(media_key(utterance), []).append(utterance)
    return [item for group in files.values() for item in sorted(group, key=lambda item: item.start or 0.0)]


def chunks(plan: Sequence[Utterance], size: int = CHUNK) -> Iterator[Sequence[Utterance]]:
    """Consecutive slices of the plan."""
    return (plan[at : at + size] for at in range(0, len(plan), size))


def requests(plan: Sequence[Utterance], audio: set[str], frames: set[str]) -> list[Request]:
    """One request per media file that some job still needs; ``audio`` and ``frames`` are the ids that need them."""
    files: dict[Path | str, list[Utterance]] = {}
    for utterance in plan:
        if utterance.id in audio or utterance.id in frames:
            files.setdefault(media_key(utterance), []).append(utterance)
    return [
        Request(tuple(group), any(u.id in audio for u in group), any(u.id in frames for u in group))
        for group in files.values()
    ]


def media_key(utterance: Utterance) -> Path | str:
    """What utterances are decoded together by: the video they lie in, else the audio file, else nothing shared."""
    return utterance.video_path or utterance.audio_path or utterance.id
