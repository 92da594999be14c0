"""How a fold is trained: the ``trainer`` part of a config (configs/trainer)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from mmser.metrics.table import MONITORS
from mmser.settings.ranges import Flag, ListOf, MappingOf, Null, Number, OneOf, Text, Whole

Precision = Literal[
    "32-true",
    "bf16-mixed",
    "16-mixed",
    "64-true",
    "bf16-true",
    "16-true",
    "32",
    "64",
    "16",
    "bf16",
    32,
    64,
    16,
]
ClipMode = Literal["norm", "tensor", "value"]
PRECISIONS = OneOf(*get_args(Precision))
NOT_METRICS = ("loss", "last")
"""``loss`` of the validation set, and no selection: the last step's weights."""

LOGGERS = ("tensorboard", "csv", "mlflow", "wandb", "trackio")

THREADS = 1024
"""More threads or processes than any machine has cores."""

SHARE = Number(above=0, most=1)


@dataclass(frozen=True, slots=True)
class Trainer:
    """What each option means stands in configs/trainer/default.yaml."""

    epochs: Annotated[int, Whole(1)]
    min_epochs: Annotated[int | None, Whole(0), Null()]
    max_steps: Annotated[int, Whole(1), OneOf(-1)]
    patience: Annotated[int | None, Whole(0), Null()]
    monitor: Annotated[str, OneOf(*MONITORS, *NOT_METRICS)]
    check_every: Annotated[float, Number(above=0, most=1_000_000)]
    precision: Annotated[Precision, PRECISIONS]
    accelerator: Annotated[str, OneOf("auto", "cpu", "gpu", "cuda", "mps")]
    devices: Annotated[
        int | str | Sequence[int], Whole(1, THREADS), OneOf("auto", -1), ListOf(Whole(0), least=1)
    ]
    strategy: Annotated[str, Text()]
    accumulate: Annotated[int, Whole(1)]
    clip_norm: Annotated[float | None, Number(above=0), Null()]
    clip_mode: Annotated[ClipMode, OneOf(*get_args(ClipMode))]
    freeze: Annotated[Sequence[str], ListOf(Text("a name pattern"))]
    groups: Annotated[
        Sequence[Mapping[str, Any]],
        ListOf(MappingOf(what="{match: PATTERN, lr_scale: NUMBER, ...}")),
    ]
    precise_norms: Annotated[int, Whole(0)]
    deterministic: Annotated[bool | Literal["auto", "warn"], Flag(), OneOf("auto", "warn")]
    threads: Annotated[int, Whole(1, THREADS)]
    jobs: Annotated[int | str, Whole(1, THREADS), OneOf("auto")]
    save_every: Annotated[int, Whole(1)]
    log_tensorboard: Annotated[bool, Flag()]
    limit_train_batches: Annotated[float | int, SHARE, Whole(1)]
    limit_validation_batches: Annotated[float | int, SHARE, Whole(1)]
    average: Annotated[float | None, Number(least=0, below=1), Null()] = None
    num_nodes: Annotated[int, Whole(1, THREADS)] = 1
    first_seed: Annotated[int | None, Whole(0, 2**32 - 1), Null()] = None
    compile: Annotated[bool, Flag()] = False
    cuda_graphs: Annotated[bool, Flag()] = False
    logger: Annotated[str | None, OneOf(*LOGGERS), Null()] = None
    frozen_memory: Annotated[float | None, Number(above=0, most=10_000), Null()] = None


@dataclass(frozen=True, slots=True)
class Group:
    """One item of ``trainer.groups``: which parameters, and what differs for them.

    Further keys are the optimizer's.
    """

    match: Annotated[str, Text("a name pattern such as encoders.audio.*")]
    lr_scale: Annotated[float, Number(least=0)] = 1.0
    weight_decay: Annotated[float, Number(least=0)] = 0.0
