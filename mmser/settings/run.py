"""A training run: the options of configs/train.yaml that stand at the top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from mmser.core.configs import load_config
from mmser.settings.data import Data
from mmser.settings.ranges import Flag, ListOf, MappingOf, Null, OneOf, Text, Whole
from mmser.settings.reading import read_options
from mmser.settings.stream import StreamSpec
from mmser.settings.trainer import Trainer

SEED = Whole(0, 2**32 - 1)
"""What every generator of random numbers takes."""

PART = MappingOf(what="a mapping")

PartConfig = Mapping[str, Any]
"""A part that is yet to be built: ``_target_`` and its arguments."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A further corpus of a run and its protocol, each a part that is yet to be built."""

    corpus: Annotated[PartConfig, PART]
    protocol: Annotated[PartConfig, PART]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a run; configs/train.yaml says what each option means.

    ``parts`` are digests of classes from Python. A mapping with a ``_target_`` is a part that is
    yet to be built; ``stages`` are what each stage changes, as it is written (see
    `mmser.runs.training_stages`).
    """

    corpus: Annotated[PartConfig, PART]
    protocol: Annotated[PartConfig, PART]
    objective: Annotated[PartConfig, PART]
    optimizer: Annotated[PartConfig, PART]
    scheduler: Annotated[PartConfig, PART]
    trainer: Annotated[Trainer, PART]
    paths: Annotated[Mapping[str, str], MappingOf(Text("a folder"))]
    data: Annotated[Data, PART]
    model: Annotated[PartConfig, PART]
    streams: Annotated[Mapping[str, StreamSpec], PART]
    seeds: Annotated[Sequence[int], ListOf(SEED, least=1, distinct=True)]
    folds: Annotated[
        str | Sequence[str | int], OneOf("all"), ListOf(Text("a fold's name"), Whole(), least=1)
    ]
    run: Annotated[str | None, Text("a folder"), Null()]
    cache: Annotated[str, Text("a folder")]
    word_vectors: Annotated[str | None, Text("a file"), Null()]
    weights: Annotated[str | None, Text("random, a folder or a file"), Null()]
    domains: Annotated[Mapping[str, Domain], MappingOf(PART), Null()]
    target_labels: Annotated[bool, Flag()]
    stages: Annotated[Mapping[str, Any] | None, MappingOf(PART, Null()), Null()]
    card: Annotated[PartConfig, PART]
    parts: Annotated[Mapping[str, str] | None, PART, Null()] = None
    solver: Annotated[Mapping[str, Any] | None, PART, Null()] = None


def read_run(config: Mapping[str, Any]) -> RunSettings:
    """A resolved config as its settings.

    What a run of an earlier version does not say is as the configs have it, which is what that
    version did. Raises UsageError where a part of the run is missing.
    """
    return read_options(RunSettings, config, _usual())


@cache
def _usual() -> dict[str, Any]:
    """The options that configs/train.yaml and the sections that it names give every run."""
    sections = {"card": {}, "trainer": load_config("trainer", "default")}
    train = load_config("", "train")
    # An interpolation stands for another option.
    plain_keys = [key for key in train if key != "defaults" and "${" not in str(train[key])]
    own = {key: train[key] for key in plain_keys}
    return {**sections, **own, "paths": load_config("paths", "default")}
