"""The order of work: a function of the manifest alone.

So an interrupted job and an undisturbed one agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mmser.core.clip import SAMPLE_RATE
from mmser.core.utterance import Utterance

CHUNK = 64
"""Utterances whose results are stored together; batches are formed inside a chunk and an
interruption loses one.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """Utterances of one media file in the planned order, and the modalities to decode.

    Sound is decoded at each of the ``sample_rates``.
    """

    utterances: tuple[Utterance, ...]
    audio: bool
    frames: bool
    sample_rates: tuple[int, ...] = (SAMPLE_RATE,)


def planned(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Media files in order of first appearance, the utterances of each by start time.

    It is the order of the cache.
    """
    files: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        files.setdefault(media_key(utterance), []).append(utterance)
    plan: list[Utterance] = []
    for group in files.values():
        plan += sorted(group, key=lambda utterance: utterance.start or 0.0)
    return plan


def chunks(plan: Sequence[Utterance], size: int = CHUNK) -> Iterator[Sequence[Utterance]]:
    """Consecutive slices of the plan."""
    return (plan[at : at + size] for at in range(0, len(plan), size))


def requests(
    plan: Sequence[Utterance], audio: Mapping[int, set[str]], frames: set[str]
) -> list[Request]:
    """One request per media file that some job still needs.

    ``audio`` are the ids that need sound by its sample rate (Hz), ``frames`` those that need
    pictures.
    """
    needed = frames.union(*audio.values())
    files: dict[str, list[Utterance]] = {}
    for utterance in plan:
        if utterance.id in needed:
            files.setdefault(media_key(utterance), []).append(utterance)
    return [_request(group, audio, frames) for group in files.values()]


def _request(
    group: Sequence[Utterance], audio: Mapping[int, set[str]], frames: set[str]
) -> Request:
    ids = {utterance.id for utterance in group}
    rates = tuple(rate for rate, needed in audio.items() if ids & needed)
    return Request(tuple(group), bool(rates), bool(ids & frames), rates)


def media_key(utterance: Utterance) -> str:
    """The file by which utterances are decoded together: their video, else their audio file.

    As text, which is compared faster than a path.
    """
    path = utterance.video_path or utterance.audio_path
    # No path has a null byte: an id is none.
    return f"\0{utterance.id}" if path is None else str(path)
