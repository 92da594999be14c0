"""One decoder per class, each with its own yes or no (MultiSER).

The class with the most probable yes wins.

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
        # (batch, feature, time = 1): the norm needs a time axis, and accepts a batch of one.
        hidden = self.inner(vector).unsqueeze(2)
        mask = torch.ones_like(hidden[:, 0], dtype=torch.bool)
        hidden = self.norm(hidden, mask).squeeze(2)
        no_and_yes = torch.log_softmax(self.outer(torch.relu(hidden)), dim=1)
        return no_and_yes[:, 1]


class OneVsRestHead(nn.Module):
    """A shared linear layer of ``shared_size``, then a decoder per class.

    Values, if any, come from the shared layer.
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
        """vector (batch, feature) -> scores (batch, class), values (batch, value) or None.

        The score of a class is the log-probability of its decoder's yes.
        """
        hidden = self.shared(vector)
        logits = torch.stack([decoder(hidden) for decoder in self.decoders], dim=1)
        values = None if self.values is None else self.values(hidden)
        return logits, values
