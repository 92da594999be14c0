"""A training run: the options of configs/train.yaml that stand at the top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from mmser.settings.ranges import Flag, ListOf, MappingOf, Null, OneOf, Text, Whole

SEED = Whole(0, 2**32 - 1)
"""What every generator of random numbers takes."""

PART = MappingOf(what="a mapping")


@dataclass(frozen=True, slots=True)
class Run:
    """What each option means stands in configs/train.yaml. ``parts`` are digests of classes from
    Python.
    """

    corpus: Annotated[Mapping[str, Any], PART]
    protocol: Annotated[Mapping[str, Any], PART]
    objective: Annotated[Mapping[str, Any], PART]
    optimizer: Annotated[Mapping[str, Any], PART]
    scheduler: Annotated[Mapping[str, Any], PART]
    trainer: Annotated[Mapping[str, Any], PART]
    paths: Annotated[Mapping[str, str], MappingOf(Text("a folder"))]
    data: Annotated[Mapping[str, Any], PART]
    model: Annotated[Mapping[str, Any], PART]
    streams: Annotated[Mapping[str, Any], PART]
    seeds: Annotated[Sequence[int], ListOf(SEED, least=1, distinct=True)]
    folds: Annotated[
        str | Sequence[str | int], OneOf("all"), ListOf(Text("a fold's name"), Whole(), least=1)
    ]
    run: Annotated[str | None, Text("a folder"), Null()]
    cache: Annotated[str, Text("a folder")]
    word_vectors: Annotated[str | None, Text("a file"), Null()]
    weights: Annotated[str | None, Text("random, a folder or a file"), Null()]
    domains: Annotated[Mapping[str, Any] | None, MappingOf(PART), Null()]
    target_labels: Annotated[bool, Flag()]
    stages: Annotated[Mapping[str, Any] | None, MappingOf(PART, Null()), Null()]
    card: Annotated[Mapping[str, Any], PART]
    parts: Annotated[Mapping[str, str] | None, PART, Null()] = None
