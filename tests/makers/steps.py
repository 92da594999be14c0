"""One step of a loss or of a training paradigm, as the learner takes it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmser.core.batch import Batch
from mmser.objectives.paradigms.supervised import objective_of


def losses_of(
    objective: nn.Module, model: Any, batch: Batch, progress: float = 0.0
) -> dict[str, Tensor]:
    """The named losses of ``objective``, a loss or a paradigm, for one batch."""
    return objective_of(objective).step(model, batch, progress).losses
