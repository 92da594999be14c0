"""Every piece of a plan computed by workers that may die, and its results in the plan's order.

A piece whose node was lost is given out again. One whose worker died is given out once more; where
that dies too, every utterance of every store is tried alone, and one that kills two workers again
is a row of its store's ledger. The rest of the piece is then computed together, as one process
would have done it without that utterance.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mmser.cache.entry import Entry
from mmser.cache.transcripts import TranscriptEntry
from mmser.core.clip import Failure
from mmser.core.errors import MmserError
from mmser.extraction.engines.piece import AnyEntry, Entries, Order, Piece, Report

DEATHS = 2
"""Workers that a piece, or one utterance alone, may kill."""

LOSSES = 20
"""Nodes that may be lost under one piece before the cluster counts as broken."""

WAIT_SECONDS = 5.0

QUIET_SECONDS = 60.0
"""Without a finished piece for so long, the user is told where the cluster lacks something."""


class WorkerDied(Exception):  # noqa: N818  # a finding, as DecoderDeath is
    """A worker died over a piece; says how."""


class NodeLost(Exception):  # noqa: N818
    """A node went away with a piece, or with its results."""


class Cluster(Protocol):
    """Workers somewhere. A ticket stands for a piece that was given out."""

    @property
    def slots(self) -> int:
        """Pieces that can be computed at the same time."""
        ...

    @property
    def line(self) -> str:
        """What it has, for the user."""
        ...

    def lend(self, maker: Any) -> Any:
        """A reference to an extractor or a recogniser, for `Order.maker`."""
        ...

    def submit(self, piece: Piece) -> Any: ...

    def finished(self, tickets: list[Any], seconds: float) -> list[Any]:
        """Those that have come to an end, after ``seconds`` at most."""
        ...

    def report(self, ticket: Any) -> Report:
        """What a finished piece tells. Raises WorkerDied and NodeLost."""
        ...

    def entries(self, ticket: Any) -> Entries:
        """Its results, which may have gone since: raises NodeLost."""
        ...

    def lacking(self) -> str:
        """What no node has that a piece needs, "" when nothing lacks."""
        ...


@dataclass(slots=True, eq=False)
class _Attempt:
    """A piece, whole or one utterance of one store alone, until it is done or given up."""

    piece: Piece
    alone: tuple[str, str] | None = None
    last: bool = False
    deaths: int = 0
    losses: int = 0
    cause: str = ""


@dataclass(slots=True, eq=False)
class _Chunk:
    """A piece of the plan on its way: its tickets with results, and its utterances given up."""

    piece: Piece
    ready: list[Any] = field(default_factory=list)
    alone: dict[tuple[str, str], Any] = field(default_factory=dict)
    guilty: dict[tuple[str, str], str] = field(default_factory=dict)
    running: int = 0

    @property
    def done(self) -> bool:
        return not self.running


Say = Callable[[str], None]


class Attempts:
    """Pieces in, (piece, entries by store) out, in order; see the top of this file."""

    def __init__(self, cluster: Cluster, say: Say, told: Callable[[Report], None]) -> None:
        self.cluster, self.say, self.told = cluster, say, told
        self._running: dict[Any, tuple[_Chunk, _Attempt]] = {}
        self._heard = time.monotonic()

    def results(self, pieces: Iterable[Piece]) -> Iterator[tuple[Piece, Entries]]:
        """Each piece with its entries; a few pieces for each worker are under way."""
        upcoming = iter(pieces)
        window: deque[_Chunk] = deque()
        exhausted = False
        while True:
            while not exhausted and len(window) < 2 * self.cluster.slots + 2:
                piece = next(upcoming, None)
                if piece is None:
                    exhausted = True
                    break
                window.append(_Chunk(piece))
                self._submit(window[-1], _Attempt(piece))
            if not window:
                return
            while window and window[0].done:
                found = self._collected(window[0])
                if found is not None:
                    yield window.popleft().piece, found
            self._wait()

    def _wait(self) -> None:
        """Until some piece has come to an end, or a while."""
        if not self._running:
            return
        tickets = self.cluster.finished(list(self._running), WAIT_SECONDS)
        for ticket in tickets:
            self._ended(ticket)
        if tickets:
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > QUIET_SECONDS:
            self._heard = time.monotonic()
            lack = self.cluster.lacking()
            if lack:
                self.say(f"waiting for {lack}")

    def _submit(self, chunk: _Chunk, attempt: _Attempt) -> None:
        chunk.running += 1
        self._running[self.cluster.submit(attempt.piece)] = chunk, attempt

    def _ended(self, ticket: Any) -> None:
        chunk, attempt = self._running.pop(ticket)
        chunk.running -= 1
        try:
            report = self.cluster.report(ticket)
        except NodeLost as loss:
            self._lost(chunk, attempt, loss)
            return
        except WorkerDied as death:
            self._died(chunk, attempt, str(death))
            return
        if report.refusal is not None:
            raise report.refusal.error
        self.told(report)
        if attempt.alone is None:
            chunk.ready = [ticket]
            return
        chunk.alone[attempt.alone] = ticket
        self._together_again(chunk)

    def _lost(self, chunk: _Chunk, attempt: _Attempt, loss: NodeLost) -> None:
        attempt.losses += 1
        self.say(f"a node was lost over {_named(attempt.piece)}: it is given out again ({loss})")
        if attempt.losses > LOSSES:
            raise MmserError(
                "a cluster whose nodes stay up",
                f"{attempt.losses} lost over {_named(attempt.piece)}",
                "Repair the cluster; the same command goes on from here.",
            )
        self._submit(chunk, attempt)

    def _died(self, chunk: _Chunk, attempt: _Attempt, cause: str) -> None:
        attempt.deaths += 1
        attempt.cause = cause
        if attempt.deaths < DEATHS:
            self.say(f"a worker died over {_named(attempt.piece)}: it is tried again ({cause})")
            self._submit(chunk, attempt)
        elif attempt.alone is not None:
            store, key = attempt.alone
            self.say(f"{store}: {key} killed {DEATHS} workers and is given up ({cause})")
            chunk.guilty[attempt.alone] = cause
            self._together_again(chunk)
        elif attempt.last:
            # Not one utterance, but all of them together: each has been computed alone.
            chunk.ready = list(chunk.alone.values())
        else:
            self.say(f"{DEATHS} workers died over {_named(attempt.piece)}: each is tried alone")
            for alone in _pairs(attempt.piece):
                piece = attempt.piece.only({alone}.__contains__)
                self._submit(chunk, _Attempt(piece, alone=alone))

    def _together_again(self, chunk: _Chunk) -> None:
        """After the last trial alone: those that nothing speaks against, in one batch."""
        if chunk.running:
            return
        rest = _innocent(chunk)
        if rest.orders:
            self._submit(chunk, _Attempt(rest, last=True))

    def _collected(self, chunk: _Chunk) -> Entries | None:
        """The entries of a chunk, None where they have gone and are made again."""
        try:
            parts = [self.cluster.entries(ticket) for ticket in chunk.ready]
        except NodeLost as loss:
            self.say(f"a node was lost with {_named(chunk.piece)}: it is computed again ({loss})")
            chunk.ready, chunk.alone = [], {}
            self._submit(chunk, _Attempt(_innocent(chunk)))
            return None
        found = {
            (store, entry.id): entry
            for part in parts
            for store, entries in part.items()
            for entry in entries
        }
        return {order.name: _in_order(chunk, order, found) for order in chunk.piece.orders}


def _innocent(chunk: _Chunk) -> Piece:
    """The piece without those that killed their workers."""
    return chunk.piece.only(lambda pair: pair not in chunk.guilty)


def _in_order(
    chunk: _Chunk, order: Order, found: Mapping[tuple[str, str], AnyEntry]
) -> list[AnyEntry]:
    due = [utterance.id for utterance in chunk.piece.utterances if utterance.id in order.missing]
    return [found.get((order.name, key)) or _given_up(chunk, order, key) for key in due]


def _given_up(chunk: _Chunk, order: Order, key: str) -> AnyEntry:
    """A row of the ledger for an utterance that killed its workers."""
    failure = Failure(key, "worker died", chunk.guilty[order.name, key])
    kind = TranscriptEntry if order.transcribes else Entry
    return kind(key, order.missing[key], failure)


def _pairs(piece: Piece) -> list[tuple[str, str]]:
    """(store, utterance) of a piece."""
    return [(order.name, key) for order in piece.orders for key in order.missing]


def _named(piece: Piece) -> str:
    first = piece.utterances[0].id
    count = len(piece.utterances)
    return first if count == 1 else f"{first} and {count - 1} more"
