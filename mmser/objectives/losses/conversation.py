"""Cross-entropy averaged inside each conversation, then over conversations.

Source: Dutta, Ganapathy, ICASSP 2022: a conversation of one utterance weighs as much as one of
nine.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.conversation_mean import averaged


class ConversationCrossEntropy(nn.Module):
    """Cross-entropy of ``targets["emotion"]``, averaged inside each conversation of the batch, then
    over them.
    """

    def __init__(self, task: Task, vector_size: int) -> None:
        super().__init__()
        _check(task)

    def forward(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """-> {"cross_entropy": scalar} and the fusion's own terms."""
        outputs = model(batch.streams, batch.context)
        if outputs.logits is None:
            raise MmserError(
                "a model with class logits", "none", "Choose a head with classes, e.g. classifier."
            )
        target = batch.targets["emotion"]
        losses = F.cross_entropy(
            outputs.logits.float(), target, ignore_index=UNLABELLED, reduction="none"
        )
        loss = averaged(losses, target != UNLABELLED, batch.context.dialogue, "conversations")
        return {"cross_entropy": loss, **outputs.losses}


def _check(task: Task) -> None:
    if not task.classes:
        raise MmserError(
            "a protocol with classes", "none", "Choose a regression objective, e.g. objective=ccc."
        )
