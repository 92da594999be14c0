"""One decoder per class, each saying yes or no; the class with the most probable yes wins
(MultiSER).

Source: the multi-task baseline of Chopra et al., "Meta-learning for low-resource speech emotion
recognition", ICASSP 2021, layer sizes of the released code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm


class _Decoder(nn.Module):
    """linear -> batch norm -> ReLU -> linear to (no, yes)."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.inner = nn.Linear(input_size, hidden_size)
        self.norm = MaskedBatchNorm(hidden_size)
        self.outer = nn.Linear(hidden_size, 2)

    def forward(self, vector: Tensor) -> Tensor:
        """(batch, feature) -> (batch,) log-probability of yes."""
        hidden = self.inner(vector)[
            :, :, None
        ]  # the norm wants a time axis, and takes a batch of one
        hidden = self.norm(hidden, torch.ones_like(hidden[:, 0], dtype=torch.bool)).squeeze(2)
        return torch.log_softmax(self.outer(torch.relu(hidden)), dim=1)[:, 1]


class OneVsRestHead(nn.Module):
    """A shared linear layer of ``shared_size``, then a decoder per class; values, if any, from the
    shared layer.
    """

    def __init__(
        self, input_size: int, task: Task, shared_size: int = 128, hidden_size: int = 64
    ) -> None:
        super().__init__()
        if not task.classes:
            raise MmserError("a task with classes", "values only", "Choose head=regression.")
        self.shared = nn.Linear(input_size, shared_size)
        self.decoders = nn.ModuleList(_Decoder(shared_size, hidden_size) for _ in task.classes)
        values = task.output_size("values")
        self.values = nn.Linear(shared_size, values) if values else None

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, feature) -> log-probabilities of yes (batch, class), values (batch, value)
        or None.
        """
        hidden = self.shared(vector)
        logits = torch.stack([decoder(hidden) for decoder in self.decoders], dim=1)
        return logits, self.values(hidden) if self.values is not None else None
