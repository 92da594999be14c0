"""Chunk after chunk of a plan: decoded ahead, computed, and written behind, all at the same time.

Results reach the stores in the order of the plan, whatever was ready first, so that the cache has
the bytes that one step after the other would give it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import Any

from mmser.cache.entry import Entry
from mmser.core.kept_memory import kept_memory
from mmser.core.utterance import Utterance
from mmser.extraction.decoding import decoded_in_order
from mmser.extraction.jobs import ExtractorJob, Job, TranscriberJob
from mmser.extraction.plan import chunks, requests
from mmser.extraction.progress import Progress
from mmser.extraction.stages import Stages
from mmser.extraction.work import Work, described

SHOWN_WARNINGS = 5

ON_DEVICE = 2
"""Chunks that are computed at a time on a GPU: one's arithmetic hides the other's copies."""

CHUNKS_BEHIND = 8
BYTES_BEHIND = 512 * 1024 * 1024
"""Results of a GPU that may wait for the disk: a shard takes as long to be put together as several
chunks to be computed."""


def run_here(
    plan: Sequence[Utterance],
    jobs: Sequence[Job],
    frame_rate: float,
    workers: int,
    shown: bool,
    corpus: str,
) -> None:
    """Decode once what any job misses; after each chunk of the plan the results are on the disk."""
    sound, pictures, missing = missing_by_modality(jobs)
    decoded_ids = pictures.union(*sound.values())
    work = work_of(jobs) if workers > 0 else None
    decoded = decoded_in_order(requests(plan, sound, pictures), frame_rate, workers, work)
    noted: dict[str, list[str]] = {}
    stages = Stages()
    with (
        kept_memory(),
        closing(decoded),
        Progress(f"preprocess {corpus}", len(missing), shown) as bar,
        closing(_Line(jobs, stages, bar)) as line,
    ):
        bar.facts = stages.__str__
        for chunk in chunks(plan):
            due = [utterance.id for utterance in chunk if utterance.id in missing]
            if not due:
                continue
            chunk_jobs = [job.for_chunk() for job in jobs]
            for _ in range(sum(key in decoded_ids for key in due)):
                with stages.waiting("decoding"):
                    item = next(decoded)
                stages.media_seconds += item.seconds
                for note in item.clip.notes:
                    noted.setdefault(note, []).append(item.clip.id)
                for job in chunk_jobs:
                    if isinstance(job, ExtractorJob) and job.name in item.results:
                        job.give(item.clip, item.results[job.name], item.took.get(job.name, 0.0))
                    else:
                        job.take(item.clip)
            line.add(chunk, chunk_jobs, len(due))
        line.finish()
        say_warnings(bar, noted, "beside the utterances, in the notes of the stores' indexes")


@dataclass(slots=True, eq=False)
class _Chunk:
    computed: Future[list[list[Entry]]]
    written: Future[None]
    count: int


class _Line:
    """Chunks between the decoders and the disk, in order."""

    def __init__(self, jobs: Sequence[Job], stages: Stages, bar: Progress) -> None:
        self.jobs, self.stages, self.bar = jobs, stages, bar
        self.device = _device_of(jobs)
        self._encoders = ThreadPoolExecutor(ON_DEVICE, thread_name_prefix="encode")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._behind: deque[_Chunk] = deque()
        self._of_threads = threading.local()
        self._warm = False
        self._broken = False

    def close(self) -> None:
        """End its threads."""
        # What is computed is written all the same; the next run goes on from there.
        self._encoders.shutdown(cancel_futures=True)
        self._writer.shutdown()

    def add(self, chunk: Sequence[Utterance], jobs: Sequence[Job], count: int) -> None:
        """Compute one chunk, and write it when those before it are written."""
        if self.device and self._warm:
            computed = self._encoders.submit(self._computed, chunk, jobs)
        else:
            # Networks are built when first used, by one thread alone.
            computed = Future()
            with self.stages.waiting("computing"):
                computed.set_result(self._computed(chunk, jobs))
            self._warm = True
        written = self._writer.submit(self._write, computed)
        self._behind.append(_Chunk(computed, written, count))
        while self._behind and (self._is_full() or self._behind[0].written.done()):
            self._wait()

    def finish(self) -> None:
        """Wait until everything is on the disk."""
        while self._behind:
            self._wait()

    def _is_full(self) -> bool:
        """Whether no further chunk may be begun."""
        if len(self._behind) > (CHUNKS_BEHIND if self.device else 1):
            return True
        ready = [each.computed.result() for each in self._behind if each.computed.done()]
        return sum(map(_bytes_of, ready)) > BYTES_BEHIND

    def _wait(self) -> None:
        chunk = self._behind[0]
        with self.stages.waiting("computing"):
            chunk.computed.result()
        with self.stages.waiting("writing"):
            chunk.written.result()
        self._behind.popleft()
        self.bar.step(chunk.count)

    def _computed(self, chunk: Sequence[Utterance], jobs: Sequence[Job]) -> list[list[Entry]]:
        """The entries of every feature store; transcripts are stored, for text is made of them."""
        every: list[list[Entry]] = []
        with self._own_stream():
            for whole, job in zip(self.jobs, jobs, strict=True):
                if isinstance(job, TranscriberJob):
                    job.store(chunk)
                    every.append([])
                else:
                    every.append(job.entries(chunk))
                whole.account(job)  # type: ignore[arg-type] # each has its own kind
        return every

    def _own_stream(self) -> AbstractContextManager[Any]:
        """Work of two threads goes to the GPU side by side, each in its own order."""
        if not self.device:
            return nullcontext()
        import torch

        # One for each thread: memory that one stream has used is kept for the same.
        if not hasattr(self._of_threads, "stream"):
            self._of_threads.stream = torch.cuda.Stream()
        return torch.cuda.stream(self._of_threads.stream)

    def _write(self, computed: Future[list[list[Entry]]]) -> None:
        try:
            every = computed.result()
            for job, entries in zip(self.jobs, every, strict=True):
                if self._broken:
                    return
                if isinstance(job, ExtractorJob):
                    job.writer.add(entries)
        except BaseException:
            # A later chunk in an earlier place would give other bytes than the plan's order.
            self._broken = True
            raise


def _device_of(jobs: Sequence[Job]) -> str:
    """ "cuda" where chunks can be computed side by side on a GPU, else nothing."""
    networks = [
        job
        for job in jobs
        if isinstance(job, ExtractorJob) and job.extractor.checkpoint is not None
    ]
    # A recogniser's words are wanted by the next step of the same chunk.
    if not networks or any(isinstance(job, TranscriberJob) for job in jobs):
        return ""
    import torch

    return "cuda" if torch.cuda.is_available() else ""


def _bytes_of(every: Sequence[Sequence[Entry]]) -> int:
    values = (getattr(entry.result, "values", None) for entries in every for entry in entries)
    return sum(value.nbytes for value in values if value is not None)


def work_of(jobs: Sequence[Job]) -> Work:
    """What worker processes can take over: sound through extractors that run no network."""
    here: list[Job] = []
    apart: dict[str, Any] = {}
    ids: dict[str, set[str]] = {}
    for job in jobs:
        description = _description(job)
        if description is None:
            here.append(job)
        else:
            apart[job.name] = description
            ids[job.name] = set(job.missing)
    sound, _, _ = missing_by_modality(here)
    rates = {job.sample_rate for job in jobs if job.name in apart and job.sample_rate}
    return Work(apart, ids, {rate: set() for rate in rates} | sound)


def _description(job: Job) -> Mapping[str, Any] | None:
    if not isinstance(job, ExtractorJob) or not job.missing:
        return None
    extractor = job.extractor
    if extractor.modality != "audio" or extractor.checkpoint is not None:
        return None
    return described(extractor) if extractor.sample_rate is not None else None


def missing_by_modality(
    jobs: Sequence[Job],
) -> tuple[dict[int, set[str]], set[str], set[str]]:
    """The ids whose sound is missing in some store, those whose pictures are, and all.

    Sound is by its rate (Hz); all are those that miss anything, words included.
    """
    sound: dict[int, set[str]] = {}
    pictures: set[str] = set()
    missing: set[str] = set()
    for job in jobs:
        missing.update(job.missing)
        if job.sample_rate is not None and job.missing:
            sound.setdefault(job.sample_rate, set()).update(job.missing)
        if job.modality == "face":
            pictures.update(job.missing)
    return sound, pictures, missing


def say_warnings(log: Progress, warnings: Mapping[str, Sequence[str]], rest: str) -> None:
    """The warnings of most utterances, each with the first of them.

    ``rest`` says where the others are.
    """
    for warning, ids in sorted(warnings.items(), key=lambda item: -len(item[1]))[:SHOWN_WARNINGS]:
        log.say(f"warning: {warning} ({len(ids)} utterances, {ids[0]} first)")
    if len(warnings) > SHOWN_WARNINGS:
        log.say(f"{len(warnings) - SHOWN_WARNINGS} further warnings {rest}")
