"""How the samples of a split are ordered into batches."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmser.data.checks import check_choice
from mmser.data.episodes import Episodes
from mmser.settings.data import BATCHINGS, Batching


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Raises UsageError for a ``batching`` that there is not.

    ``batching`` ``paired`` (half labelled, half unlabelled rows) and ``episodes`` (see
    `mmser.data.episodes`), as well as ``balanced`` (rows are drawn so that every class is equally
    likely) and ``drop_last``, act on shuffled training batches alone. ``workers`` are the processes
    that read samples; they change nothing about the batches. ``seed`` decides the order of every
    epoch and every random change of a sample.
    """

    batch_size: int = 32
    batching: Batching = "length"
    balanced: bool = False
    drop_last: bool = False
    episodes: Episodes = field(default_factory=Episodes)
    workers: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("batching", self.batching, BATCHINGS)
