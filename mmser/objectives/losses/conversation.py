"""Cross-entropy averaged inside each conversation, then over conversations.

Source: Dutta, Ganapathy, ICASSP 2022: a conversation of one utterance weighs as much as one of
nine.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.conversation_mean import averaged
from mmser.objectives.terms.cross_entropy import class_logits


class ConversationCrossEntropy(nn.Module):
    """Cross-entropy averaged inside each conversation of the batch, then over conversations."""

    def __init__(self, task: Task, vector_size: int) -> None:
        super().__init__()
        if not task.classes:
            remedy = "Choose a regression objective, e.g. objective=ccc."
            raise MmserError("a protocol with classes", "none", remedy)

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"cross_entropy": scalar}."""
        logits, target = class_logits(outputs), batch.targets["emotion"]
        losses = F.cross_entropy(logits, target, ignore_index=UNLABELLED, reduction="none")
        loss = averaged(losses, target != UNLABELLED, batch.context.dialogue, "conversations")
        return {"cross_entropy": loss}
