"""How utterances become batches: the ``data`` part of a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from mmser.settings.check import check_options
from mmser.settings.ranges import Flag, ListOf, MappingOf, Null, Number, OneOf, Text, Whole

Alignment = Literal["native", "word", "grid"]
ALIGNMENTS = ("native", "word", "grid")
Batching = Literal["length", "random", "dialogue", "paired", "episodes"]
BATCHINGS = ("length", "random", "dialogue", "paired", "episodes")
TaskOf = Literal["corpus", "speaker", "pool"]
AUGMENTATION = MappingOf(what="{_target_: CLASS, ...}")
AugmentationOption = Sequence[str | Mapping[str, Any]] | str | Mapping[str, Any] | None
"""Names of configs, or parts that are yet to be built; one, or a list."""

WORKERS = 1024


@dataclass(frozen=True, slots=True)
class Episodes:
    """Batches of episodes: ``count`` per epoch, of ``tasks`` episodes each.

    An episode is ``support``, then ``query`` rows of every class. ``by`` says what a task is: one
    corpus, one speaker, or the pool of all. Raises UsageError for a value that is not allowed.
    """

    tasks: Annotated[int, Whole(1)] = 8
    support: Annotated[int, Whole(1)] = 5
    query: Annotated[int, Whole(1)] = 5
    count: Annotated[int, Whole(1)] = 100
    by: Annotated[TaskOf, OneOf("corpus", "speaker", "pool")] = "corpus"

    def __post_init__(self) -> None:
        check_options(Episodes, asdict(self), "data.episodes")


@dataclass(frozen=True, slots=True)
class Data:
    """Options of batches; `mmser.data.batching` and `mmser.data.stream_alignment` explain them."""

    batch_size: Annotated[int, Whole(1)]
    alignment: Annotated[Alignment, OneOf(*ALIGNMENTS)]
    grid_rate: Annotated[float, Number(above=0, most=1_000_000)]
    batching: Annotated[Batching, OneOf(*BATCHINGS)]
    drop_last: Annotated[bool, Flag()]
    workers: Annotated[int, Whole(0, WORKERS)]
    augmentation: Annotated[
        AugmentationOption,
        ListOf(Text("the name of an augmentation"), AUGMENTATION),
        Text("a name"),
        AUGMENTATION,
        Null(),
    ]
    train_on: Annotated[str, Text("all, own, domains or the name of a domain")]
    train_share: Annotated[float, Number(above=0, most=1)]
    episodes: Annotated[Episodes, MappingOf(), Null()]
    balanced: Annotated[bool, Flag()] = False
    word_stream: Annotated[str | None, Text("the name of a stream"), Null()] = None
