"""Regression of valence, arousal, dominance: concordance (CCC) loss and mean squared error.

A value that is NaN is unlabelled and ignored, one dimension at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.concordance import concordance


class ConcordanceLoss(nn.Module):
    """Sum over the values of ``weight * (1 - CCC)``, each CCC over the labelled rows of the batch.

    ``weights`` has one entry per value of the task (None: 1 / number of values each). A value with
    fewer than two labelled rows in the batch has no CCC and adds nothing.
    """

    weights: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(
        self, task: Task, vector_size: int, weights: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("weights", _value_weights(task, weights), persistent=False)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"ccc": scalar}."""
        values, target = _values(outputs), batch.targets["values"]
        defined = (~target.isnan()).sum(dim=0) > 1
        losses = torch.where(defined, 1.0 - concordance(values, target), 0.0)
        return {"ccc": (losses * self.weights).sum()}


class MeanSquaredError(nn.Module):
    """Sum over the values of ``weight *`` the mean squared error over labelled rows."""

    weights: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(
        self, task: Task, vector_size: int, weights: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("weights", _value_weights(task, weights), persistent=False)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"mse": scalar}."""
        values, target = _values(outputs), batch.targets["values"]
        labelled = ~target.isnan()
        # An unlabelled value is compared with itself: NaN times zero would still be NaN.
        squares = (values - torch.where(labelled, target, values.detach())).square() * labelled
        losses = squares.sum(dim=0) / labelled.sum(dim=0).clamp_min(1)
        return {"mse": (losses * self.weights).sum()}


def _value_weights(task: Task, weights: Sequence[float] | None) -> Tensor:
    if not task.values:
        raise MmserError("a protocol with values", "none", "Choose a classification objective.")
    if weights is None:
        return torch.full((len(task.values),), 1.0 / len(task.values))
    if len(weights) != len(task.values):
        raise MmserError(
            f"a weight for each of {', '.join(task.values)}",
            f"{len(weights)} weights",
            "Correct objective.weights.",
        )
    return torch.tensor([float(weight) for weight in weights])


def _values(outputs: Outputs) -> Tensor:
    """The model's values in float32, also under mixed precision."""
    if outputs.values is None:
        raise MmserError(
            "a model with values", "none", "Choose a head with values, e.g. regressor."
        )
    return outputs.values.float()
