"""A vector per listener -> each listener's posterior -> their mean: the consensus of all listeners.

Source: Ando et al., ICASSP 2021 (see `mmser.models.fusion.listener_adaptive`).
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from mmser.core.errors import MmserError
from mmser.core.task import Task


class ListenerMean(nn.Module):
    """``log of the mean over listeners of softmax(W y_listener)``; values are the plain mean.

    ``size`` is the feature dimension per listener. With ``other_emotion`` a further class takes the votes for emotions
    outside the task's; its share is left out of the consensus, which is so renormalised by the softmax.
    """

    def __init__(self, input_size: int, task: Task, size: int = 64, other_emotion: bool = True) -> None:
        super().__init__()
        if input_size % size:
            raise MmserError(f"a vector of several times {size} features", str(input_size), "Set head.size.")
        if not task.classes and not task.values:
            raise MmserError("a task with classes or values", "neither", "Choose a protocol that names one.")
        self.size, self.classes = size, len(task.classes)
        self.logits = nn.Linear(size, self.classes + other_emotion) if task.classes else None
        self.values = nn.Linear(size, len(task.values)) if task.values else None

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, listener x size) -> logits (batch, class) or None, values (batch, value) or None."""
        each = vector.unflatten(-1, (-1, self.size))
        logits = None
        if self.logits is not None:
            logs = self.logits(each).log_softmax(dim=-1).logsumexp(dim=1) - math.log(each.shape[1])
            logits = logs[:, : self.classes]
        return logits, self.values(each).mean(dim=1) if self.values is not None else None

    def listener_logits(self, vector: Tensor) -> Tensor:
        """vector (batch, listener x size) -> (batch, listener, class); the class behind the task's is any other."""
        if self.logits is None:
            raise MmserError("a task with classes", "values alone", "Listeners are heard with classes only.")
        return self.logits(vector.unflatten(-1, (-1, self.size)))
