"""A plan is cut into pieces for workers: each holds all that its machine must be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmser.core.utterance import Utterance
from mmser.extraction.engines.piece import Order, Piece, identity
from mmser.extraction.jobs import Job, TranscriberJob
from mmser.extraction.plan import chunks
from mmser.extraction.running import missing_by_modality


def pieces(
    plan: Sequence[Utterance],
    jobs: Sequence[Job],
    frame_rate: float,
    lend: Callable[[Any], Any],
) -> Iterator[Piece]:
    """The chunks of the plan that some job misses; ``lend`` gives a reference to what is large."""
    sound, pictures, missing = missing_by_modality(jobs)
    decoded = pictures.union(*sound.values())
    makers = [_maker(job) for job in jobs]
    keys = [
        identity(job.name, maker, _transcribes(job))
        for job, maker in zip(jobs, makers, strict=True)
    ]
    lent = [lend(maker) for maker in makers]
    for chunk in chunks(plan):
        due = tuple(utterance for utterance in chunk if utterance.id in missing)
        if not due:
            continue
        ids = {utterance.id for utterance in due}
        orders = [_order(*each, due) for each in zip(jobs, lent, keys, strict=True)]
        yield Piece(
            due,
            tuple(order for order in orders if order.missing),
            {rate: ids & wanted for rate, wanted in sound.items() if ids & wanted},
            ids & pictures,
            frame_rate,
            _seen(due, decoded),
            str(Path.cwd()),
        )


def _maker(job: Job) -> Any:
    return job.transcriber if isinstance(job, TranscriberJob) else job.extractor


def _transcribes(job: Job) -> bool:
    return isinstance(job, TranscriberJob)


def _order(job: Job, maker: Any, key: str, chunk: Sequence[Utterance]) -> Order:
    due = [utterance for utterance in chunk if utterance.id in job.missing]
    missing = {utterance.id: job.missing[utterance.id] for utterance in due}
    if isinstance(job, TranscriberJob) or job.transcript_of is None:
        return Order(job.name, maker, key, missing, _transcribes(job))
    words = {utterance.id: job.transcript_of(utterance) for utterance in due}
    around = job.dialogue_of
    dialogues = None if around is None else {each.id: around(each.id) for each in due}
    return Order(job.name, maker, key, missing, False, words, dialogues)


def _seen(chunk: Sequence[Utterance], decoded: set[str]) -> frozenset[str]:
    """The media files of a chunk that this machine sees."""
    paths = {
        path
        for utterance in chunk
        if utterance.id in decoded
        for path in (utterance.audio_path, utterance.video_path)
        if path is not None
    }
    return frozenset(str(path) for path in paths if path.exists())
