"""Cross-entropy per segment of a turn: averaged over each turn first, then over turns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import class_logits


class TurnCrossEntropy(nn.Module):
    """The head's answer at every step of the fusion's sequence, beside the label of that segment.

    ``labels`` names a trace of class indices (batch, segment), for corpora labelled segment by
    segment; None gives each segment the label of its utterance. A batch without a label gives zero,
    with graph. Source: Hsu et al., IEEE/ACM TASLP 29, 2021.
    """

    def __init__(self, task: Task, vector_size: int, labels: str | None = None) -> None:
        super().__init__()
        if not task.classes:
            raise MmserError(
                "a protocol with classes",
                "none",
                "Choose a regression objective, e.g. objective=ccc.",
            )
        self.labels = labels

    def needs_steps(self, batch: Batch) -> bool:
        """Always."""
        return True

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"turn": scalar}."""
        if outputs.sequence is None or outputs.steps is None:
            raise MmserError(
                "a model with a step per segment", "none", "Use fusion=nonverbal_vocalization."
            )
        logits = class_logits(outputs.steps)  # (batch, segment, class)
        target = self._targets(batch, outputs.sequence.mask)
        losses = F.cross_entropy(
            logits.transpose(1, 2), target, ignore_index=UNLABELLED, reduction="none"
        )
        count = (target != UNLABELLED).sum(dim=1)
        turns = losses.sum(dim=1) / count.clamp_min(1)
        return {"turn": turns.sum() / (count > 0).sum().clamp_min(1)}

    def _targets(self, batch: Batch, mask: Tensor) -> Tensor:
        """(batch, segment) long, `UNLABELLED` where there is no segment."""
        if self.labels is None:
            return batch.targets["emotion"][:, None].masked_fill(~mask, UNLABELLED)
        stream = batch.traces[self.labels]
        return torch.where(mask & stream.mask, stream.filled().flatten(1).long(), UNLABELLED)
