"""Cross-entropy of every segment by itself, each labelled as its utterance: how segment-and-average
systems train.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task


class SegmentCrossEntropy(nn.Module):
    """The mean over all segments of the batch, so that a long utterance counts for more than a
    short one.

    Needs a head that judges segments (``segment_average``).
    """

    def __init__(self, task: Task, vector_size: int, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """-> {"segment_cross_entropy": scalar} and the fusion's own terms; a batch without a label
        gives zero.
        """
        outputs = model(batch.streams, batch.context)
        judge = getattr(getattr(model, "head", None), "step_logits", None)
        logits = None if judge is None else judge(outputs.sequence)
        if outputs.sequence is None or logits is None:
            raise MmserError(
                "a head that judges segments",
                "none",
                "Use head@model.head=segment_average and classes.",
            )
        wanted = batch.targets["emotion"][:, None].expand(outputs.sequence.mask.shape)
        wanted = wanted.masked_fill(~outputs.sequence.mask, UNLABELLED)
        total = F.cross_entropy(
            logits.float().flatten(0, 1),
            wanted.flatten(),
            ignore_index=UNLABELLED,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        return {
            "segment_cross_entropy": total / (wanted != UNLABELLED).sum().clamp_min(1),
            **outputs.losses,
        }
