"""Cross-entropy of every segment by itself, each labelled as its utterance.

Segment-and-average systems train so.
"""

from __future__ import annotations

from torch import Tensor, nn

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy


class SegmentCrossEntropy(nn.Module):
    """The mean over all segments of the batch: a long utterance counts for more than a short one.

    Needs a model that judges segments (a fusion with a sequence and head ``segment_average``).
    """

    def __init__(self, task: Task, vector_size: int, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def needs_steps(self, batch: Batch) -> bool:
        """Always."""
        return True

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"segment_cross_entropy": scalar}; a batch without a label gives zero."""
        sequence, steps = outputs.sequence, outputs.steps
        if sequence is None or steps is None or steps.logits is None:
            raise MmserError(
                "a head that judges segments",
                "none",
                "Use head@model.head=segment_average and classes.",
            )
        # The utterance's label for each of its segments, none where there is no segment.
        target = batch.targets["emotion"][:, None].expand(sequence.mask.shape)
        target = target.masked_fill(~sequence.mask, UNLABELLED)
        # (batch, segment, class) -> (row, class)
        logits = steps.logits.float().flatten(0, 1)
        loss = labelled_cross_entropy(logits, target.flatten(), self.label_smoothing)
        return {"segment_cross_entropy": loss}
