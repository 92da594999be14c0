"""A vector per listener -> each listener's posterior -> their mean, the consensus.

Source: Ando et al., ICASSP 2021 (see `mmser.models.fusion.listener_adaptive`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.dense.modulation import Modulation


class ListenerMean(nn.Module):
    """``log of the mean over listeners of softmax(W y_listener)``; values are the plain mean.

    ``size`` is the feature dimension per listener. With ``other_emotion`` a further class stands
    for votes outside the task's classes; its share is left out of the consensus, and the softmax of
    the logits renormalises the rest.

    With "output" in ``adapt`` a listener's features end with their code of ``code_size``, which
    scales and shifts the logits (AFC on the last layer); ``adapt`` and ``code_size`` are those of
    the fusion.
    """

    def __init__(
        self,
        input_size: int,
        task: Task,
        size: int = 64,
        other_emotion: bool = True,
        adapt: Sequence[str] = (),
        code_size: int = 32,
    ) -> None:
        super().__init__()
        # Without listeners in the training fold the fusion has no codes.
        coded = "output" in adapt and len(task.listeners) > 0
        self.each = size + (code_size if coded else 0)
        if input_size % self.each:
            raise MmserError(
                f"a vector of several times {self.each} features", str(input_size), "Set head.size."
            )
        values = task.output_size("values")
        self.size, self.classes = size, task.output_size("logits")
        outputs = self.classes + (1 if other_emotion else 0)
        self.logits = nn.Linear(size, outputs) if self.classes else None
        self.on_logits = Modulation(code_size, outputs) if coded and self.classes else None
        self.values = nn.Linear(size, values) if values else None

    def forward(self, vector: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """vector (batch, listener * size) -> logits (batch, class), values (batch, value), or None.

        Where listeners have codes, each one's ``size`` features are followed by the code.
        """
        logits = values = None
        if self.logits is not None:
            each = self.listener_logits(vector)
            log_sum = each.log_softmax(dim=-1).logsumexp(dim=1)
            logits = log_sum[:, : self.classes] - math.log(each.shape[1])
        if self.values is not None:
            features, _ = self._per_listener(vector)
            values = self.values(features).mean(dim=1)
        return logits, values

    def listener_logits(self, vector: Tensor) -> Tensor:
        """vector as above -> (batch, listener, class); a class after the task's is any other."""
        if self.logits is None:
            raise MmserError(
                "a task with classes", "values alone", "Listeners are asked for classes only."
            )
        features, code = self._per_listener(vector)
        logits = self.logits(features)
        if self.on_logits is None:
            return logits
        # (batch * listener, class), as the modulation takes one code per row.
        adapted = self.on_logits.applied(logits.flatten(0, 1), code.flatten(0, 1))
        return adapted.unflatten(0, logits.shape[:2])

    def _per_listener(self, vector: Tensor) -> tuple[Tensor, Tensor]:
        """vector -> features (batch, listener, size), codes (batch, listener, code or 0)."""
        each = vector.unflatten(-1, (-1, self.each))
        return each[..., : self.size], each[..., self.size :]
