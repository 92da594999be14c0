"""A published recogniser's answers as they are, under the names of the task: nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmser.core.errors import MmserError
from mmser.core.task import Task

SMALLEST = 1e-9
"""What a probability of zero counts for, so that its logarithm is finite."""
ABSENT = -1e4
"""Logit of a class that the recogniser does not know: its probability is zero, and finite."""


class LabelMap(nn.Module):
    """Answers (batch, label) -> logits of the task's classes, or its values. No parameters.

    ``answers`` says of each number of the vector which class or value it is, None for one that is
    left out. Numbers that are logits (or ``probabilities``) of the same class are added as
    probabilities are; those left out take no share. A value goes from ``answer_range`` to its
    ``value_range``, None: as it is.
    """

    known: Tensor
    slope: Tensor
    start: Tensor

    def __init__(
        self,
        input_size: int,
        task: Task,
        answers: Sequence[str | None],
        probabilities: bool = False,
        answer_range: Sequence[float] = (0.0, 1.0),
        value_range: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        super().__init__()
        self.probabilities = probabilities
        if len(answers) != input_size:
            raise MmserError(
                f"one name for each of the {input_size} answers",
                f"{len(answers)}",
                "Correct answers.",
            )
        self.has_classes = bool(set(answers) & set(task.classes))
        self.has_values = bool(task.values) and set(task.values) <= set(answers)
        if not self.has_classes and not self.has_values:
            asked = ", ".join((*task.classes, *task.values))
            listed = ", ".join(name or "(left out)" for name in answers)
            raise MmserError(
                f"answers to what the protocol asks: {asked}", listed, "Choose another protocol."
            )
        # (label, class): whether the label means the class.
        means = [[answer == name for name in task.classes] for answer in answers]
        self.register_buffer("known", torch.tensor(means, dtype=torch.bool), persistent=False)
        self.places = [list(answers).index(name) for name in task.values if self.has_values]
        low, high = answer_range
        ranges = [(value_range or {}).get(name, (low, high)) for name in task.values]
        slopes = [(upper - lower) / (high - low) for lower, upper in ranges]
        starts = [lower - low * slope for (lower, _), slope in zip(ranges, slopes, strict=True)]
        self.register_buffer("slope", torch.tensor(slopes), persistent=False)
        self.register_buffer("start", torch.tensor(starts), persistent=False)

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, label) -> logits (batch, class), values (batch, value), or None."""
        logits = self._logits(vector) if self.has_classes else None
        if not self.has_values:
            return logits, None
        return logits, vector[..., self.places] * self.slope + self.start

    def _logits(self, vector: Tensor) -> Tensor:
        if self.probabilities:
            vector = vector.clamp(min=SMALLEST).log()
        # (batch, label, class), minus infinity where the label does not mean the class.
        shared = vector[..., None].masked_fill(~self.known, -torch.inf)
        return shared.logsumexp(dim=-2).masked_fill(~self.known.any(dim=0), ABSENT)
