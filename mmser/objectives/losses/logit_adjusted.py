"""Cross-entropy of logits that are shifted by how frequent their classes are.

Source: Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, equation 10. Trained so,
the unshifted logits, which the model goes on answering with, aim at the balanced error (UA).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import class_logits, labelled_cross_entropy


class LogitAdjusted(nn.Module):
    """``-log softmax(logits + strength * log prior)`` of the true class, mean over labelled rows.

    ``prior`` is the share of each class in the training fold; a class without a row there counts
    as one row.
    """

    offset: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(self, task: Task, vector_size: int, strength: float = 1.0) -> None:
        super().__init__()
        if strength < 0:
            raise MmserError("strength of 0 or more", f"{strength}", "The paper's is 1.")
        if not task.classes or len(task.class_counts) != len(task.classes):
            raise MmserError(
                "a protocol with classes, and the training fold's count of each",
                f"{len(task.classes)} classes, {len(task.class_counts)} counts",
                "Choose a regression objective, e.g. objective=ccc.",
            )
        counts = torch.tensor(task.class_counts, dtype=torch.float64).clamp_min(1)
        offset = strength * torch.log(counts / counts.sum())
        self.register_buffer("offset", offset.float(), persistent=False)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"logit_adjusted": scalar}."""
        shifted = class_logits(outputs) + self.offset
        return {"logit_adjusted": labelled_cross_entropy(shifted, batch.targets["emotion"])}
