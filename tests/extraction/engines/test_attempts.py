"""Pieces whose workers die: what is given out again, what is tried alone, what becomes a row."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mmser.cache.entry import Entry
from mmser.core.clip import Failure, Features
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.extraction.engines.attempts import Attempts, NodeLost, WorkerDied
from mmser.extraction.engines.piece import Order, Piece, Refusal, Report

Fate = Callable[[Piece], Exception | None]


class FakeCluster:
    """Computes at once, in any order; ``fate`` says what befalls a piece, ``gone`` its results.

    The value of an utterance is how many utterances of its store were computed together.
    """

    slots = 2

    def __init__(self, fate: Fate = lambda _: None, gone: Fate = lambda _: None) -> None:
        self.fate, self.gone = fate, gone
        self.given: list[Piece] = []
        self._random = random.Random(0)

    def submit(self, piece: Piece) -> int:
        self.given.append(piece)
        return len(self.given) - 1

    def finished(self, tickets: list[int], seconds: float) -> list[int]:
        return self._random.sample(tickets, 1)

    def report(self, ticket: int) -> Report:
        death = self.fate(self.given[ticket])
        if death is not None:
            raise death
        return Report({"audio": 1.0})

    def entries(self, ticket: int) -> dict[str, list[Any]]:
        loss = self.gone(self.given[ticket])
        if loss is not None:
            raise loss
        return {
            order.name: [
                Entry(key, digest, Features(np.full((1, 1), len(order.missing), np.float32)))
                for key, digest in order.missing.items()
            ]
            for order in self.given[ticket].orders
        }

    def lacking(self) -> str:
        return ""


def piece(number: int, size: int = 4) -> Piece:
    ids = [f"c{number}u{at}" for at in range(size)]
    orders = (
        Order("audio", None, "", dict.fromkeys(ids, "0")),
        Order("text", None, "", dict.fromkeys(ids[1:], "0")),
    )
    utterances = tuple(Utterance(key, "c", "s") for key in ids)
    return Piece(utterances, orders, {16_000: set(ids)}, set(), 3.0, frozenset(), "")


def computed(cluster: FakeCluster, count: int = 9) -> tuple[list[dict[str, Any]], list[str]]:
    said: list[str] = []
    attempts = Attempts(cluster, said.append, lambda report: None)
    results = list(attempts.results(piece(number) for number in range(count)))
    first = [made.utterances[0].id for made, _ in results]
    assert first == [f"c{number}u0" for number in range(count)], "the order of the plan"
    assert all(
        [entry.id for entry in entries["text"]] == [u.id for u in made.utterances[1:]]
        for made, entries in results
    )
    return [entries for _, entries in results], said


def values(entries: list[Entry]) -> list[Any]:
    return [
        one.result.reason if isinstance(one.result, Failure) else one.result.values.item()
        for one in entries
    ]


def test_lost_nodes_and_a_death_change_nothing() -> None:
    generator = random.Random(1)
    fates = [NodeLost("gone"), NodeLost("gone"), None]
    deaths = {"c3u0"}

    def fate(made: Piece) -> Exception | None:
        if made.utterances[0].id in deaths:
            deaths.clear()
            return WorkerDied("killed")
        return generator.choice(fates)

    undisturbed, _ = computed(FakeCluster())
    disturbed, said = computed(FakeCluster(fate, lambda _: generator.choice(fates)))
    assert [values(each["audio"]) for each in disturbed] == [[4.0] * 4] * 9
    assert [values(each["text"]) for each in disturbed] == [
        values(each["text"]) for each in undisturbed
    ]
    assert sum("worker died" in line for line in said) == 1
    assert sum("node was lost" in line for line in said) > 5


def test_one_that_kills_its_workers_is_a_row_of_its_store_alone() -> None:
    def deadly(made: Piece) -> Exception | None:
        in_audio = any(o.name == "audio" and "c2u1" in o.missing for o in made.orders)
        return WorkerDied("it crashed") if in_audio else None

    cluster = FakeCluster(deadly)
    results, said = computed(cluster)
    # The others of its batch are computed together, without it.
    assert values(results[2]["audio"]) == [3.0, "worker died", 3.0, 3.0]
    assert results[2]["audio"][1].result.detail == "it crashed"
    assert values(results[2]["text"]) == [3.0, 3.0, 3.0]
    assert "audio: c2u1 killed 2 workers and is given up (it crashed)" in said
    others = [each for number, each in enumerate(results) if number != 2]
    assert [values(each["audio"]) for each in others] == [[4.0] * 4] * 8
    assert sum(each.utterances[0].id.startswith("c2") for each in cluster.given) == 2 + 7 + 1 + 1


def test_what_dies_together_alone_is_computed_one_by_one() -> None:
    def crowded(made: Piece) -> Exception | None:
        full = made.utterances[0].id.startswith("c1") and len(made.utterances) > 1
        return WorkerDied("no memory left") if full else None

    results, _ = computed(FakeCluster(crowded), 3)
    assert values(results[1]["audio"]) == [1.0] * 4
    assert values(results[0]["audio"]) == values(results[2]["audio"]) == [4.0] * 4


def test_all_that_kill_are_rows() -> None:
    results, _ = computed(FakeCluster(lambda _: WorkerDied("always")), 2)
    assert values(results[1]["audio"]) == ["worker died"] * 4


def test_a_refusal_and_a_cluster_that_falls_apart_end_the_work() -> None:
    class Refusing(FakeCluster):
        def report(self, ticket: int) -> Report:
            return Report(refusal=Refusal("the corpus on every node", "no such file", "Mend."))

    with pytest.raises(MmserError, match="expected the corpus on every node; found no such file"):
        computed(Refusing())
    with pytest.raises(MmserError, match="a cluster whose nodes stay up; found 21 lost over c0u0"):
        computed(FakeCluster(lambda _: NodeLost("gone")), 1)
