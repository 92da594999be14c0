"""Cross-entropy over the labelled rows, and the logits it is taken of."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Outputs
from mmser.core.errors import MmserError


def labelled_cross_entropy(logits: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """logits (row, class), target (row,) -> mean over labelled rows; zero, with graph, for none."""
    total = F.cross_entropy(
        logits,
        target,
        ignore_index=UNLABELLED,
        reduction="sum",
        label_smoothing=label_smoothing,
    )
    return total / (target != UNLABELLED).sum().clamp_min(1)


def class_logits(outputs: Outputs) -> Tensor:
    """The model's logits (batch, class) in float32, also under mixed precision."""
    if outputs.logits is None:
        raise MmserError(
            "a model with class logits", "none", "Choose a head with classes, e.g. classifier."
        )
    return outputs.logits.float()
