"""Preprocessing a corpus: the options of configs/preprocess.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mmser.settings.ranges import ListOf, MappingOf, Null, Number, OneOf, Text, Whole

PART = MappingOf(what="a mapping")


@dataclass(frozen=True, slots=True)
class Engine:
    """Where a plan is computed; what each option means stands in configs/engine."""

    name: Annotated[Literal["processes", "ray"], OneOf("processes", "ray")] = "processes"
    address: Annotated[str | None, Text("HOST:PORT, or auto"), Null()] = None
    cpus_per_task: Annotated[float, Number(above=0, most=1024)] = 1.0
    gpus_per_task: Annotated[float, Number(least=0, most=1024)] = 0.0


@dataclass(frozen=True, slots=True)
class Preprocess:
    """What each option means stands in configs/preprocess.yaml."""

    corpus: Annotated[Mapping[str, Any], PART]
    paths: Annotated[Mapping[str, str], MappingOf(Text("a folder"))]
    extractors: Annotated[Sequence[str], ListOf(Text("the name of an extractor"), distinct=True)]
    extractor: Annotated[Mapping[str, Any], MappingOf(PART)]
    transcript: Annotated[str, Text("corpus, or the name of a transcriber")]
    cache: Annotated[str, Text("a folder")]
    weights: Annotated[str | None, Text("random, a folder or a file"), Null()]
    workers: Annotated[int | str, Whole(0, 1024), OneOf("auto")]
    frame_rate: Annotated[float, Number(above=0, most=1000)]
    max_failures: Annotated[float, Number(least=0, most=1)]
    engine: Annotated[Engine, PART] = Engine()
    words: Annotated[str, Text("corpus, or the name of an aligner")] = "corpus"
    transcriber: Annotated[Mapping[str, Any] | None, PART, Null()] = None
    shard: Annotated[str | None, Text("NUMBER/COUNT, such as 3/16"), Null()] = None
    aligner: Annotated[Mapping[str, Any] | None, PART, Null()] = None
