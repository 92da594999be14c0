"""Every segment votes: the score of an utterance is the mean of its segments' log-probabilities (CA-MSER)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.pooling import masked_mean


class SegmentVote(nn.Module):
    """Per segment: hidden layers with ReLU, dropout before each of them, linear outputs; then the mean over segments.

    ``logits`` are mean log-softmax vectors, ``values`` mean values. An utterance without a segment gets zeros, which
    make every class equally likely.
    """

    reads: ClassVar[str] = "sequence"

    def __init__(
        self, input_size: int, task: Task, hidden_sizes: Sequence[int] = (128, 128), dropout: float = 0.1
    ) -> None:
        super().__init__()
        if not task.classes and not task.values:
            raise MmserError(
                "a task with classes or values", "neither", "Choose a protocol that names what to predict."
            )
        layers: list[nn.Module] = []
        size = input_size
        for hidden in hidden_sizes:
            layers += [nn.Dropout(dropout), nn.Linear(size, hidden), nn.ReLU()]
            size = hidden
        self.hidden = nn.Sequential(*layers)
        self.logits = nn.Linear(size, len(task.classes)) if task.classes else None
        self.values = nn.Linear(size, len(task.values)) if task.values else None

    def forward(self, sequence: Stream) -> tuple[Tensor | None, Tensor | None]:
        """sequence (batch, segment, feature) -> logits (batch, class) or None, values (batch, value) or None."""
        hidden = self.hidden(sequence.filled())
        logits = values = None
        if self.logits is not None:
            logits = masked_mean(self.logits(hidden).log_softmax(dim=-1), sequence.mask)
        if self.values is not None:
            values = masked_mean(self.values(hidden), sequence.mask)
        return logits, values
