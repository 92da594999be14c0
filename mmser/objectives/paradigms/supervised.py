"""Supervised training: the model runs once, and a loss reads what it said.

Every config that names a loss is trained so; a second loss of the same outputs is one more term of
`mmser.objectives.losses.weighted_sum`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property

from torch import nn

from mmser.core.batch import Batch, Step
from mmser.core.contracts import (
    AlternatingLoss,
    Loss,
    Model,
    Objective,
    RampedLoss,
    StepLoss,
)
from mmser.core.errors import MmserError


@dataclass(frozen=True)
class Supervised:
    """The loss's named terms, and those of the fusion, of one run of the model.

    No module: the weights are those of ``loss``, under the names that they have there.
    """

    loss: Loss

    @cached_property
    def _ramped(self) -> RampedLoss | None:
        # Asked once: a check against a protocol costs as much as a small layer.
        return self.loss if isinstance(self.loss, RampedLoss) else None

    @cached_property
    def _stepwise(self) -> StepLoss | None:
        return self.loss if isinstance(self.loss, StepLoss) else None

    @cached_property
    def _alternating(self) -> AlternatingLoss | None:
        return self.loss if isinstance(self.loss, AlternatingLoss) else None

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {loss: scalar}, with the outputs."""
        if self._ramped is not None:
            self._ramped.progress = progress
        if self._stepwise is not None and self._stepwise.needs_steps(batch):
            outputs = model(batch.streams, batch.context, need_steps=True)
        else:
            outputs = model(batch.streams, batch.context)
        return Step({**self.loss(outputs, batch), **outputs.losses}, outputs)

    def after_step(self, model: Model) -> None:
        """Called after each optimizer step."""
        if self._alternating is not None:
            self._alternating.after_step()


def check_objective(component: nn.Module) -> None:
    """Raise MmserError for a class of one's own that is neither a loss nor a paradigm."""
    arguments = list(inspect.signature(component.forward).parameters)
    if not isinstance(component, Objective) and "model" in arguments:
        raise MmserError(
            "a loss `forward(outputs, batch)`, or a paradigm `step(model, batch, progress)`",
            f"{type(component).__name__}.forward({', '.join(arguments)})",
            "A loss runs no model: read the outputs it is given (see mmser/core/contracts.py).",
        )


def objective_of(component: nn.Module) -> Objective:
    """What a config names as its objective: a paradigm as it is, a loss trained as supervised."""
    return component if isinstance(component, Objective) else Supervised(component)
