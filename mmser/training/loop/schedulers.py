"""Learning-rate schedules: torch schedulers plus when to step them.

Each function is a config of the group ``scheduler``, called with the optimizer, the number of
epochs and the number of optimizer steps per epoch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    LambdaLR,
    MultiStepLR,
    ReduceLROnPlateau,
    StepLR,
)

from mmser.core.errors import MmserError


@dataclass(frozen=True, slots=True)
class Schedule:
    """A torch scheduler and when to step it.

    ``interval``: after every optimizer step, after every epoch, or (plateau) after an epoch with
    the monitored score.
    """

    scheduler: Any
    interval: Literal["step", "epoch", "plateau"] = "epoch"


def constant(optimizer: Optimizer, epochs: int, steps_per_epoch: int) -> None:
    """The optimizer's own learning rate throughout."""


def step(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, every: int = 10, factor: float = 0.1
) -> Schedule:
    """Times ``factor`` every ``every`` epochs."""
    return Schedule(StepLR(optimizer, step_size=every, gamma=factor))


def milestones(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, at: list[int], factor: float = 0.1
) -> Schedule:
    """Times ``factor`` at each of the epochs ``at`` (counted from zero)."""
    return Schedule(MultiStepLR(optimizer, milestones=list(at), gamma=factor))


def cosine(optimizer: Optimizer, epochs: int, steps_per_epoch: int, final: float = 0.0) -> Schedule:
    """Half a cosine from the optimizer's learning rate to ``final`` over all epochs."""
    return Schedule(CosineAnnealingLR(optimizer, T_max=epochs, eta_min=final))


def warmup_cosine(
    optimizer: Optimizer,
    epochs: int,
    steps_per_epoch: int,
    warmup: float = 0.05,
    final: float = 0.0,
) -> Schedule:
    """Linear rise over the first ``warmup`` share of all steps, then half a cosine.

    It ends at ``final`` times the rate.
    """
    total = epochs * steps_per_epoch
    rising = _rising_steps(warmup, total)

    def scale(index: int) -> float:
        if index < rising:
            return (index + 1) / rising
        fallen = min(1.0, (index - rising) / max(1, total - rising))
        return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * fallen))

    return Schedule(LambdaLR(optimizer, scale), "step")


def exponential(
    optimizer: Optimizer,
    epochs: int,
    steps_per_epoch: int,
    start: int = 50,
    every: int = 20,
    rate: float = 0.15,
) -> Schedule:
    """Constant, then times ``exp(-rate)`` every so many epochs.

    From the epoch index ``start`` on, at those that ``every`` divides. With the defaults this is
    Light-SERNet's schedule: at epochs 60, 80, 100, ...
    """
    before = (start - 1) // every

    def scale(epoch: int) -> float:
        return math.exp(-rate * max(0, epoch // every - before)) if epoch >= start else 1.0

    return Schedule(LambdaLR(optimizer, scale))


def warmup_linear(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, warmup: float = 0.1, decay: bool = True
) -> Schedule:
    """Linear rise over the first ``warmup`` share of all steps, then a linear fall to zero.

    Without ``decay`` the rate stays constant after the rise.
    """
    total = epochs * steps_per_epoch
    rising = _rising_steps(warmup, total)

    def scale(index: int) -> float:
        if index < rising:
            return (index + 1) / rising
        return max(0.0, (total - index) / max(1, total - rising)) if decay else 1.0

    return Schedule(LambdaLR(optimizer, scale), "step")


def _rising_steps(warmup: float, total: int) -> int:
    """The steps of a warmup. Raises MmserError for a share outside [0, 1)."""
    if not 0.0 <= warmup < 1.0:
        raise MmserError("a warmup share in [0, 1)", str(warmup), "Correct scheduler.warmup.")
    return math.ceil(warmup * total)


def inverse_time(
    optimizer: Optimizer, epochs: int, steps_per_epoch: int, rate: float = 1e-6
) -> Schedule:
    """Divided by ``1 + rate * step``, step by step (what Keras calls decay)."""
    return Schedule(LambdaLR(optimizer, lambda index: 1.0 / (1.0 + rate * index)), "step")


def cyclic(
    optimizer: Optimizer,
    epochs: int,
    steps_per_epoch: int,
    lowest: float = 0.2,
    steps_up: int = 2000,
    interval: Literal["step", "epoch"] = "step",
    lowest_momentum: float | None = None,
) -> Schedule:
    """Up and down in triangles between ``lowest`` times the optimizer's rate and that rate.

    Each way takes ``steps_up`` steps. With ``lowest_momentum`` the optimizer's momentum goes down
    to that where the rate is highest, and back.
    """
    if lowest_momentum is not None:
        return Schedule(_with_momentum(optimizer, lowest, steps_up, lowest_momentum), interval)

    def scale(index: int) -> float:
        place = abs(index / steps_up % 2.0 - 1.0)  # 1 at the foot, 0 at the top
        return 1.0 - (1.0 - lowest) * place

    return Schedule(LambdaLR(optimizer, scale), interval)


def _with_momentum(
    optimizer: Optimizer, lowest: float, steps_up: int, lowest_momentum: float
) -> CyclicLR:
    # Adam's is the first of its betas.
    momentum = float(
        optimizer.defaults.get("momentum") or optimizer.defaults.get("betas", (0.0,))[0]
    )
    if not momentum or not 0.0 <= lowest_momentum <= momentum:
        expected = "an optimizer with momentum, and scheduler.lowest_momentum from 0 to it"
        raise MmserError(
            expected,
            f"{momentum:g} and {lowest_momentum}",
            "Set optimizer.momentum, or leave it out.",
        )
    rates = [group["lr"] for group in optimizer.param_groups]
    feet = [lowest * rate for rate in rates]
    return CyclicLR(
        optimizer, feet, rates, steps_up, base_momentum=lowest_momentum, max_momentum=momentum
    )


def plateau(
    optimizer: Optimizer,
    epochs: int,
    steps_per_epoch: int,
    factor: float = 0.5,
    patience: int = 5,
    mode: Literal["min", "max"] = "max",
) -> Schedule:
    """Times ``factor`` when the monitored score has not improved for ``patience`` epochs.

    ``mode`` is min where the monitored score is a loss.
    """
    return Schedule(
        ReduceLROnPlateau(optimizer, mode=mode, factor=factor, patience=patience), "plateau"
    )
