"""The optimizer's own numbers: the ``optimizer`` part of a config (configs/optimizer)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mmser.settings.ranges import Flag, ListOf, Number

SHARE = Number(least=0, most=1)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """One of torch's optimizers.

    Its options are those of its class alone, which checks them.
    """

    lr: Annotated[float, Number(above=0, most=1_000_000)]
    weight_decay: Annotated[float, Number(least=0)]
    betas: Annotated[Sequence[float], ListOf(Number(least=0, below=1), least=2, most=2)] = (
        0.9,
        0.999,
    )
    eps: Annotated[float, Number(least=0)] = 1e-8
    rho: Annotated[float, SHARE] = 0.9
    alpha: Annotated[float, SHARE] = 0.99
    momentum: Annotated[float, Number(least=0)] = 0.0
    dampening: Annotated[float, Number()] = 0.0
    nesterov: Annotated[bool, Flag()] = False
