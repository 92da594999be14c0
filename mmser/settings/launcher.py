"""Folds as jobs of a cluster: the words ``launcher=slurm launcher.partition=gpu ...``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from mmser.settings.ranges import MappingOf, Null, Number, OneOf, Text, Whole

LaunchedBy = Literal["slurm", "submitit_local"]


@dataclass(frozen=True, slots=True)
class Launcher:
    """Each fold and seed is a job of Slurm's, or a process of this machine begun in the same way.

    ``jobs`` run at once. A job has ``cpus`` cores, ``gpus`` GPUs, ``memory_gb`` and
    ``timeout_min``; one that ran into its limit is queued again and goes on. ``options`` are
    further ones of sbatch.
    """

    name: Annotated[LaunchedBy, OneOf("slurm", "submitit_local")]
    jobs: Annotated[int, Whole(1, 10_000)] = 16
    cpus: Annotated[int, Whole(1, 1024)] = 1
    gpus: Annotated[int, Whole(0, 64)] = 0
    memory_gb: Annotated[float | None, Number(above=0, most=100_000), Null()] = None
    timeout_min: Annotated[int, Whole(1, 1_000_000)] = 24 * 60
    partition: Annotated[str | None, Text("a partition of Slurm"), Null()] = None
    account: Annotated[str | None, Text("an account of Slurm"), Null()] = None
    options: Annotated[Mapping[str, Any], MappingOf(what="{OPTION: VALUE} of sbatch")] = field(
        default_factory=dict
    )
