"""`preprocess`: a corpus of media files into feature stores.

Every file is decoded once; an interrupted job can be resumed at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cache.atomic import write_json
from mmser.cache.fingerprint import CORPUS_TRANSCRIPT, Recipe
from mmser.cache.layout import LOCK, WARNINGS, checked_name, share_cache
from mmser.cache.lock import locked
from mmser.cache.manifests import keep_manifest
from mmser.cache.transcripts import TranscriptWriter
from mmser.cache.writer import SHARD_BYTES, Writer
from mmser.core.contracts import Corpus, Extractor
from mmser.core.errors import MmserError
from mmser.core.share import Share
from mmser.core.utterance import Utterance
from mmser.core.word_sources import Aligner, WordSource
from mmser.corpora.manifest import to_table, write_manifest
from mmser.extraction.absent_media import check_media
from mmser.extraction.content import Contents
from mmser.extraction.dialogues import Dialogues, turns_of
from mmser.extraction.jobs import ExtractorJob, Job, TranscriberJob, missing_of, words_for
from mmser.extraction.plan import planned
from mmser.extraction.progress import Progress
from mmser.extraction.running import run_here, say_warnings
from mmser.extraction.shares import share_of, whole_chunks
from mmser.extraction.stores import open_stores, recipes_of
from mmser.extraction.summary import check_failures, cut_texts, summary_row, summary_table

if TYPE_CHECKING:
    import pandas as pd

WARNING = "warning"
"""The manifest column in which a corpus's parser says what is odd about an utterance's media."""

Engine = Callable[[Sequence[Utterance], Sequence[Job], float, int, bool, str], None]
"""What computes a plan for the jobs whose stores lack it: plan, jobs, pictures per second, decoding
processes, whether progress is shown, the corpus's name."""


def preprocess(
    corpus: Corpus,
    extractors: Mapping[str, Extractor],
    cache: str | Path,
    transcriber: WordSource | None = None,
    transcript: str = CORPUS_TRANSCRIPT,
    workers: int = 0,
    frame_rate: float = 3.0,
    max_failures: float = 0.5,
    progress: bool = True,
    retry_failed: bool = False,
    shard_bytes: int = SHARD_BYTES,
    only: Collection[str] | None = None,
    share: Share | None = None,
    engine: Engine | None = None,
) -> pd.DataFrame:
    """Fill one store per extractor with the utterances it misses, and write the manifest.

    The manifest is ``<cache>/<corpus>/manifest.parquet``. ``extractors`` maps the name of a store
    to its extractor. With a ``transcriber`` its words are cached first, as ``transcript@<source>``,
    and text extractors read them into stores named ``<name>@<source>``; the source is
    ``transcript``, or the transcriber's own name when that is "corpus". An aligner may stand in its
    place: it gives times to the corpus's own words. ``workers`` processes
    decode beside the encoders (0: none; a file that crashes the decoder then ends the job).
    ``frame_rate`` is in pictures per second. ``retry_failed`` tries failed utterances again.
    ``only`` are the ids to do (None: all); the manifest lists every utterance all the same. A
    ``share`` is a part of them with a cache of its own (`mmser.cache.layout.share_cache`), for
    `mmser.extraction.merge`. ``engine`` computes the chunks elsewhere (`mmser.extraction.engines`).

    A clip that fails is a row of its store's index with the reason; the other stores are not
    touched by it. Returns one row per store: extractor, done, failed, reasons, directory, seconds
    (of computing), random_weights. Raises MmserError, after everything is stored, when more than
    the share ``max_failures`` of the utterances failed in some store (1.0 never raises); and when
    the corpus is empty or a store is damaged.
    """
    utterances = list(corpus.utterances())
    if not utterances:
        raise MmserError(f"utterances in the corpus {corpus.name}", "none", "Check corpus.root.")
    transcript_recipe, recipes = recipes_of(extractors, transcriber, transcript, frame_rate)
    # Its total is 0: it draws no bar, and only says lines.
    log = Progress(f"preprocess {corpus.name}", 0, progress)
    cache = share_cache(Path(cache), share)
    folder = cache / checked_name(corpus.name, "the name of a corpus")
    _write_manifest(folder, utterances, log)
    selected = [utterance for utterance in utterances if only is None or utterance.id in only]
    if share is not None:
        selected = list(share_of(planned(selected), share))
    plan, dialogues = planned(selected), Dialogues(utterances)
    # A recogniser also hears the turns around the selected utterances, where some extractor reads
    # them.
    turns = _widest(extractors)
    heard = planned(dialogues.with_neighbours(selected, turns)) if any(turns) else plan
    if share is not None:
        # A recogniser hears those with whom it would hear them in one process.
        heard = whole_chunks(planned(utterances), heard)
    stores = open_stores(
        cache, corpus.name, transcript_recipe, recipes, shard_bytes, log.say, share
    )
    with stores as (transcripts, writers):
        contents = _Contents(Contents(workers), dialogues, plan, heard)
        jobs = _jobs(contents, extractors, writers, transcriber, transcripts, retry_failed)
        _announce(log, jobs, len(plan), len(heard))
        check_media(corpus.name, selected, jobs, max_failures)
        # The words of the turns around an utterance are there once the recogniser is through.
        alone: list[Job] = []
        in_dialogue: list[Job] = []
        for job in jobs:
            reads_turns = isinstance(job, ExtractorJob) and job.dialogue_of is not None
            (in_dialogue if reads_turns else alone).append(job)
        for together in filter(None, (alone, in_dialogue)):
            (engine or run_here)(heard, together, frame_rate, workers, progress, corpus.name)
        for job in jobs:
            job.writer.finish()
    return _concluded(selected, jobs, max_failures, log)


def _write_manifest(folder: Path, utterances: Sequence[Utterance], log: Progress) -> None:
    """Write the manifest; print the parser's warnings and write them as {warning: ids}."""
    table = to_table(utterances)
    warnings: dict[str, list[str]] = {}
    for utterance in utterances:
        warning = utterance.extra.get(WARNING)
        if warning:
            warnings.setdefault(warning, []).append(utterance.id)
    with locked(folder / f"manifest{LOCK}"):
        keep_manifest(folder, partial(write_manifest, table))
        if warnings:
            write_json(folder / WARNINGS, warnings)
        else:
            (folder / WARNINGS).unlink(missing_ok=True)
    say_warnings(log, warnings, f"in {folder / WARNINGS}")


def _widest(extractors: Mapping[str, Extractor]) -> tuple[int, int]:
    """How many turns before and after an utterance any of the extractors reads."""
    every = [turns_of(extractor) or (0, 0) for extractor in extractors.values()]
    befores, afters = zip((0, 0), *every, strict=True)
    return max(befores), max(afters)


@dataclass(frozen=True, slots=True)
class _Contents:
    """Digests of what is extracted; ``heard`` are the planned utterances and those around them."""

    contents: Contents
    dialogues: Dialogues
    plan: Sequence[Utterance]
    heard: Sequence[Utterance]

    def spoken(self, transcriber: WordSource) -> dict[str, str]:
        """What a recogniser hears, or an aligner hears and is told."""
        return self.contents.of_speech(self.heard, isinstance(transcriber, Aligner))

    def read_by(self, extractor: Extractor, transcriber: WordSource | None) -> dict[str, str]:
        """What an extractor reads, the turns around an utterance included where it reads them."""
        turns = turns_of(extractor)
        utterances = self.plan if turns is None else self.heard
        if extractor.modality == "text" and transcriber is not None:
            # The words of a recogniser depend on the sound.
            digests = self.contents.of_speech(utterances, isinstance(transcriber, Aligner))
        else:
            digests = self.contents.of(utterances, extractor.modality)
        return digests if turns is None else self.dialogues.digests(self.plan, digests, turns)


def _jobs(
    contents: _Contents,
    extractors: Mapping[str, Extractor],
    writers: Mapping[str, Writer],
    transcriber: WordSource | None,
    transcripts: TranscriptWriter | None,
    retry_failed: bool,
) -> list[Job]:
    """The work of each store: what it misses, by the content it would be made from.

    The transcriber comes first, for text extractors read its words.
    """
    jobs: list[Job] = []
    if transcriber is not None and transcripts is not None:
        missing = missing_of(transcripts, contents.spoken(transcriber), retry_failed)
        jobs.append(TranscriberJob(transcriber, transcripts, missing))
    for name, extractor in extractors.items():
        missing = missing_of(writers[name], contents.read_by(extractor, transcriber), retry_failed)
        words, turns = words_for(extractor, transcripts), turns_of(extractor)
        dialogue = None
        if words is not None and turns is not None:
            dialogue = partial(contents.dialogues.dialogue, turns=turns, words=words)
        jobs.append(ExtractorJob(name, extractor, writers[name], missing, words, dialogue))
    return jobs


def _announce(log: Progress, jobs: Sequence[Job], planned_count: int, heard: int) -> None:
    for job in jobs:
        missing = len(job.missing)
        total = heard if isinstance(job, TranscriberJob) else planned_count
        text = f"{job.name}: {total - missing} of {total} utterances cached, {missing} to do"
        if job.writer.recipe.random_weights:
            text += " (random weights: for trying things out only)"
        log.say(text)


def _concluded(
    utterances: Sequence[Utterance], jobs: Sequence[Job], max_failures: float, log: Progress
) -> pd.DataFrame:
    ids = [utterance.id for utterance in utterances]
    rows = []
    for job in jobs:
        recipe: Recipe = job.writer.recipe
        name = f"{job.name}@{recipe.source}" if recipe.source else job.name
        row = summary_row(
            name, job.writer.rows, ids, job.writer.directory, job.seconds, recipe.random_weights
        )
        rows.append(row)
        if row["failed"]:
            text = f"{row['failed']} of {len(ids)} utterances failed: {row['reasons']}"
            log.say(f"{name}: {text} ({row['first']})")
        warning = cut_texts(job.writer.rows, ids)
        if warning:
            log.say(f"{name}: {warning}")
    check_failures(rows, max_failures)
    return summary_table(rows)
