"""The training utterances that lie nearest vote: what a k-nearest-neighbours classifier computes.

The head holds the vectors of its training utterances, so whoever has the model has them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.checkpoints.open_sizes import open_buffers

ABSENT = -1e4
"""Logit of a class without a vote: its probability is zero in float32, and finite."""

OPEN = {"examples": {0}, "labels": {0}, "votes": {0}}
"""The axes of the buffers whose size the training data decide."""


class NearestNeighbours(nn.Module):
    """Euclidean distance to every example -> the classes of the nearest -> shares of the votes.

    A solver sets ``examples`` (row, feature), their class indices ``labels`` (row,) and ``votes``,
    the weight of the nearest, the second nearest, ..., which sum to one. Of classes with equal
    shares the first is predicted.
    """

    examples: Tensor
    labels: Tensor
    votes: Tensor

    def __init__(self, input_size: int, task: Task) -> None:
        super().__init__()
        self.classes = len(task.classes)
        if self.classes < 2:
            raise MmserError(
                "a task with two classes or more", f"{self.classes}", "Choose head=regression."
            )
        self.register_buffer("examples", torch.zeros(0, input_size))
        self.register_buffer("labels", torch.zeros(0, dtype=torch.long))
        self.register_buffer("votes", torch.zeros(0))

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, feature) -> log shares (batch, class), None."""
        distances = _distances(vector, self.examples)
        nearest = distances.topk(len(self.votes), largest=False).indices
        # (batch, neighbour, class)
        named = F.one_hot(self.labels, self.classes).to(vector)[nearest]
        shares = (named * self.votes[:, None]).sum(dim=-2)
        return shares.log().clamp(min=ABSENT), None

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        open_buffers(self, OPEN, state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        rows, votes = len(self.examples), len(self.votes)
        known = not len(self.labels) or 0 <= self.labels.min() <= self.labels.max() < self.classes
        if len(self.labels) != rows or votes > rows or not known:
            raise MmserError(
                f"a class of {self.classes} for every example, and no more votes than examples",
                f"{rows} examples, {len(self.labels)} labels, {votes} votes",
                "The weights are damaged: train, export or download them again.",
            )


def _distances(vectors: Tensor, examples: Tensor) -> Tensor:
    """(batch, feature), (row, feature) -> (batch, row), squared in an exported file."""
    if torch.compiler.is_exporting():  # ONNX has no such distance
        return (vectors[:, None] - examples).square().sum(dim=-1)
    # By way of a matrix product a row's distances would depend on its companions.
    return torch.cdist(vectors, examples, compute_mode="donot_use_mm_for_euclid_dist")
