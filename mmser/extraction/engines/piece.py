"""A chunk of the plan on its way to a worker, and what the worker makes of it.

The worker computes with the same jobs as one process does; its entries go into the stores where the
command runs.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from mmser import __version__
from mmser.cache.entry import Entry
from mmser.cache.fingerprint import recipe_of, transcriber_recipe
from mmser.cache.transcripts import TranscriptEntry, TranscriptWriter
from mmser.cache.writer import Writer
from mmser.core.clip import Clip, Dialogue, Failure, Transcript
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.core.word_sources import WordSource
from mmser.extraction.decoding import clips_in_order
from mmser.extraction.jobs import ExtractorJob, Job, TranscriberJob
from mmser.extraction.plan import requests

Maker = Extractor | WordSource
AnyEntry = Entry | TranscriptEntry


@dataclass(frozen=True, slots=True)
class Order:
    """What one store misses of a chunk.

    ``maker`` is the extractor, or the recogniser of an order that ``transcribes``, or a reference
    to it; ``key`` is the fingerprint that it must have on the worker's machine too. ``missing`` are
    ids with their digests; ``words`` and ``dialogues`` what a text extractor reads, None for the
    others.
    """

    name: str
    maker: Any
    key: str
    missing: Mapping[str, str]
    transcribes: bool = False
    words: Mapping[str, Transcript | Failure | None] | None = None
    dialogues: Mapping[str, Dialogue] | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """The utterances of a chunk that some store misses, and the orders of these stores.

    ``sound`` are the ids that need sound by its sample rate (Hz), ``pictures`` those that need
    pictures. ``seen`` are the media files that are there for the command, ``folder`` is where it
    runs.
    """

    utterances: tuple[Utterance, ...]
    orders: tuple[Order, ...]
    sound: Mapping[int, set[str]]
    pictures: set[str]
    frame_rate: float
    seen: frozenset[str]
    folder: str
    version: str = __version__

    def only(self, wanted: Callable[[tuple[str, str]], bool]) -> Piece:
        """The same for the (store, utterance) that are ``wanted``."""
        orders = []
        for order in self.orders:
            missing = {
                key: digest for key, digest in order.missing.items() if wanted((order.name, key))
            }
            if missing:
                orders.append(replace(order, missing=missing))
        ids = set().union(*(order.missing for order in orders))
        return replace(
            self,
            orders=tuple(orders),
            utterances=tuple(each for each in self.utterances if each.id in ids),
            sound={rate: ids & keys for rate, keys in self.sound.items() if ids & keys},
            pictures=self.pictures & ids,
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error for the user that a worker met; an exception of ours does not travel."""

    expected: str
    found: str
    remedy: str

    @property
    def error(self) -> MmserError:
        return MmserError(self.expected, self.found, self.remedy)


@dataclass(frozen=True, slots=True)
class Report:
    """What is told beside the entries: seconds of computing by store, notes of decoding."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refusal: Refusal | None = None


Entries = dict[str, list[AnyEntry]]
"""By store, in the order of the plan."""


class _Collected:
    """Stands for the writer of a store, which is another machine's."""

    def __init__(self) -> None:
        self.entries: list[AnyEntry] = []

    def add(self, entries: Iterable[AnyEntry]) -> None:
        self.entries += entries


Fetch = Callable[[Any], Maker]
_makers: dict[str, Maker] = {}
"""The extractors and recognisers of this worker, by fingerprint: networks are loaded once."""


def compute(
    piece: Piece, clips: Sequence[Clip] | Refusal | None = None, fetch: Fetch | None = None
) -> tuple[Report, Entries]:
    """Every order of a piece; ``clips`` where they are decoded already.

    ``fetch`` gets the maker that an order refers to.
    """
    if isinstance(clips, Refusal):
        return Report(refusal=clips), {}
    try:
        return _computed(piece, clips, fetch)
    except MmserError as error:
        return Report(refusal=_refusal(error)), {}


def _computed(
    piece: Piece, clips: Sequence[Clip] | None, fetch: Fetch | None
) -> tuple[Report, Entries]:
    _enter(piece)
    jobs = [_job(order, fetch) for order in piece.orders]
    notes: dict[str, list[str]] = {}
    # Shared memory is read-only, and some libraries want to write.
    for clip in _decoded(piece) if clips is None else map(_own, clips):
        for note in clip.notes:
            notes.setdefault(note, []).append(clip.id)
        for job in jobs:
            job.take(clip)
    for job in jobs:
        job.store(piece.utterances)
    made = {job.name: cast("_Collected", job.writer).entries for job in jobs}
    return Report({job.name: job.seconds for job in jobs}, notes), made


def decode(piece: Piece) -> list[Clip] | Refusal:
    """The clips of a piece, where another worker computes."""
    try:
        _enter(piece)
        return list(_decoded(piece))
    except MmserError as error:
        return _refusal(error)


def _decoded(piece: Piece) -> Iterable[Clip]:
    wanted = requests(piece.utterances, piece.sound, piece.pictures)  # type: ignore[arg-type]
    # By a process of its own, as elsewhere: what crashes it costs one clip.
    with closing(clips_in_order(wanted, piece.frame_rate, workers=1)) as clips:
        yield from clips


def _own(clip: Clip) -> Clip:
    waveforms = {rate: sound.copy() for rate, sound in clip.waveforms.items()}
    waveform = None if clip.waveform is None else clip.waveform.copy()
    return replace(clip, waveform=waveform, waveforms=waveforms)


def _enter(piece: Piece) -> None:
    """Work where the command works, and see what it sees. Raises MmserError."""
    here = f"on the node {platform.node()}"
    if piece.version != __version__:
        raise MmserError(
            f"mmser {piece.version} on every node",
            f"{__version__} {here}",
            "Install the same version everywhere.",
        )
    if Path(piece.folder).is_dir():
        os.chdir(piece.folder)
    unseen = next((path for path in sorted(piece.seen) if not Path(path).exists()), None)
    if unseen is not None:
        raise MmserError(
            f"the corpus on every node: {Path(piece.folder, unseen)}",
            f"no such file {here}",
            "Put the corpus on a disk that all nodes have at the same path.",
        )


def _refusal(error: MmserError) -> Refusal:
    return Refusal(error.expected, error.found, error.remedy)


def _job(order: Order, fetch: Fetch | None) -> Job:
    if order.key not in _makers:
        maker = order.maker if fetch is None else fetch(order.maker)
        key = identity(order.name, maker, order.transcribes)
        if key != order.key:
            raise MmserError(
                f"{order.name} with the fingerprint {order.key} on every node",
                f"{key} on the node {platform.node()}",
                "Its weights or its version differ there: make them the same everywhere.",
            )
        _makers[order.key] = maker
    maker, missing = _makers[order.key], dict(order.missing)
    if order.transcribes:
        heard = cast("TranscriptWriter", _Collected())
        return TranscriberJob(cast("WordSource", maker), heard, missing)
    words, dialogues = order.words, order.dialogues
    return ExtractorJob(
        order.name,
        cast("Extractor", maker),
        cast("Writer", _Collected()),
        missing,
        None if words is None else lambda utterance: words[utterance.id],
        None if dialogues is None else dialogues.__getitem__,
    )


def identity(name: str, maker: Maker, transcribes: bool) -> str:
    """The fingerprint of what makes a store, weights included."""
    if transcribes:
        return transcriber_recipe(name, cast("WordSource", maker), "").fingerprint
    return recipe_of(name, cast("Extractor", maker)).fingerprint
