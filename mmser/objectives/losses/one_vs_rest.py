"""One-against-rest training: each class is a task of its own, one after another (MultiSER).

Source: the multi-task baseline of Chopra et al., "Meta-learning for low-resource speech emotion
recognition", ICASSP
2021. The head must give the log-probability of "yes" per class (head ``one_vs_rest``).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task


class OneVsRest(nn.Module):
    """Binary cross-entropy of "this class" against "another".

    With ``alternate`` it is that of one class per step, in turn.

    In evaluation, and without ``alternate``, it is the mean over the classes.
    """

    turn: Tensor
    whole_split: ClassVar[bool] = True

    def __init__(self, task: Task, vector_size: int, alternate: bool = True) -> None:
        super().__init__()
        if not task.classes:
            raise MmserError("a protocol with classes", "none", "Choose another objective.")
        self.alternate = alternate
        self.register_buffer("turn", torch.zeros((), dtype=torch.long))
        self.classes = len(task.classes)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"one_vs_rest": scalar}."""
        if outputs.logits is None:
            raise MmserError("a model with class logits", "none", "Choose head=one_vs_rest.")
        yes, target = outputs.logits.float(), batch.targets["emotion"]
        labelled = target != UNLABELLED
        # log(1 - p) of log p, kept off p = 1 where it has no finite value.
        no = torch.log1p(-yes.exp().clamp(max=1.0 - 1e-6))
        hits = target[:, None] == torch.arange(self.classes, device=target.device)
        losses = -torch.where(hits, yes, no) * labelled[:, None]  # (batch, class)
        losses = losses.sum(dim=0) / labelled.sum().clamp_min(1)
        loss = losses[self.turn] if self.alternate and self.training else losses.mean()
        return {"one_vs_rest": loss}

    def after_step(self) -> None:
        """The next class's turn."""
        self.turn.add_(1).remainder_(self.classes)
