"""Boosted decision trees, one per class and round, whose leaves add up to the logits.

Source: Chen and Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016, equation 1. The
trees are tensors: every one is filled up to the same depth, so that the child of node ``n`` is node
``2 n + 1`` or ``2 n + 2`` and no pointer has to be followed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.checkpoints.open_sizes import open_buffers

OPEN = {"features": {0, 2}, "thresholds": {0, 2}, "leaves": {0, 2}}
"""The axes of the buffers whose size training decides: rounds, and nodes or leaves."""


class BoostedTrees(nn.Module):
    """At each node left where the feature lies below the threshold, right where it does not.

    A solver sets ``features`` and ``thresholds`` (round, class, node), which of the vector's
    features a node looks at and where it parts them, and ``leaves`` (round, class, leaf), node by
    node and leaf by leaf from left to right.
    """

    features: Tensor
    thresholds: Tensor
    leaves: Tensor

    def __init__(self, input_size: int, task: Task) -> None:
        super().__init__()
        self.input_size, classes = input_size, len(task.classes)
        if classes < 2:
            raise MmserError(
                "a task with two classes or more", f"{classes}", "Choose head=regression."
            )
        self.register_buffer("features", torch.zeros(0, classes, 0, dtype=torch.long))
        self.register_buffer("thresholds", torch.zeros(0, classes, 0))
        self.register_buffer("leaves", torch.zeros(0, classes, 0))

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, feature) -> logits (batch, class), None."""
        rounds, classes, nodes = self.features.shape
        features, thresholds = self.features.flatten(0, 1), self.thresholds.flatten(0, 1)
        trees = torch.arange(len(features), device=vector.device)
        # (batch, tree): the node at which each row stands in each tree.
        place = torch.zeros(len(vector), len(trees), dtype=torch.long, device=vector.device)
        for _ in range(nodes.bit_length()):
            values = vector.gather(1, features[trees, place])
            is_right = values >= thresholds[trees, place]
            place = 2 * place + 1 + is_right
        reached = self.leaves.flatten(0, 1)[trees, place - nodes] if rounds else place.to(vector)
        return reached.unflatten(1, (rounds, classes)).sum(dim=1), None

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        open_buffers(self, OPEN, state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
        (rounds, _, nodes), leaves = self.features.shape, self.leaves.shape[2]
        same = self.thresholds.shape == self.features.shape and len(self.leaves) == rounds
        whole = leaves == nodes + 1 == 2 ** nodes.bit_length() or not rounds
        places = self.features
        known = not places.numel() or 0 <= places.min() <= places.max() < self.input_size
        if not (same and whole and known):
            raise MmserError(
                f"whole trees over {self.input_size} features",
                f"features {tuple(places.shape)}, thresholds {tuple(self.thresholds.shape)}, "
                f"leaves {tuple(self.leaves.shape)}",
                "The weights are damaged: train, export or download them again.",
            )
