"""Cross-entropy per segment, for models whose logits are the mean of their segments' log-probabilities."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task


class SegmentCrossEntropy(nn.Module):
    """Each segment is taught its utterance's label; every segment of the batch counts the same.

    The mean of an utterance's log-probabilities times its number of segments is their sum, so nothing but the head's
    votes is needed (head ``segment_vote``). A batch without a labelled segment gives zero, with graph.
    """

    def __init__(self, task: Task, vector_size: int) -> None:
        super().__init__()
        if not task.classes:
            raise MmserError("a protocol with classes", "none", "Choose a regression objective, e.g. objective=ccc.")

    def forward(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """-> {"segment_cross_entropy": scalar} and the fusion's own terms."""
        outputs = model(batch.streams, batch.context)
        if outputs.logits is None or outputs.sequence is None:
            raise MmserError("a model with votes of segments", "none", "Use head=segment_vote on a fusion of segments.")
        target = batch.targets["emotion"]
        losses = F.nll_loss(outputs.logits.float(), target, ignore_index=UNLABELLED, reduction="none")
        segments = outputs.sequence.mask.sum(dim=1) * (target != UNLABELLED)
        total = (losses * segments).sum() / segments.sum().clamp_min(1)
        return {"segment_cross_entropy": total, **outputs.losses}
