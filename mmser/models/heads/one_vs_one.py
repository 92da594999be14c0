"""A linear machine per pair of classes, whose votes decide: what a multiclass linear SVM computes.

Source: Chang and Lin, "LIBSVM", ACM TIST 2011: of classes with equally many votes the first is
predicted. A score per class is made as scikit-learn makes it, the votes plus the sum of margins
squeezed into less than a third of a vote; the predicted class has one vote more.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.core.task import Task


class OneVsOne(nn.Module):
    """Linear -> a margin per pair of classes -> votes.

    A solver sets ``machines``; gradient descent can train them too.
    """

    winner: Tensor

    def __init__(self, input_size: int, task: Task) -> None:
        super().__init__()
        classes = len(task.classes)
        if classes < 2:
            raise MmserError(
                "a task with two classes or more", f"{classes}", "Choose head=regression."
            )
        pairs = torch.tensor(list(combinations(range(classes), 2)))
        self.machines = nn.Linear(input_size, len(pairs))
        # (pair, class): +1 for the class that a positive margin speaks for, -1 for the other one.
        sides = torch.zeros(len(pairs), classes)
        sides.scatter_(1, pairs[:, :1], 1.0).scatter_(1, pairs[:, 1:], -1.0)
        self.register_buffer("winner", sides, persistent=False)

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, feature) -> scores (batch, class), None."""
        margins = self.machines(vector)
        # (batch, pair, class): each margin speaks for one class and against the other.
        confidence = (margins[..., None] * self.winner).sum(dim=-2)
        votes = ((margins[..., None] * self.winner) > 0).to(margins).sum(dim=-2)
        predicted = F.one_hot(votes.argmax(dim=-1), votes.shape[-1])
        return votes + confidence / (3.0 * (confidence.abs() + 1.0)) + predicted, None
