"""Auxiliary classification of the speaker, the gender or the corpus from the fused vector
(multi-task learning).
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task


class AttributeClassification(nn.Module):
    """Linear -> cross-entropy on ``targets[attribute]``; rows of an attribute unseen in training
    are ignored.

    The layer belongs to the objective, so the saved model carries nothing that only training needs.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        attribute: Literal["gender", "speaker", "corpus"] = "gender",
    ) -> None:
        super().__init__()
        known = {"gender": task.genders, "speaker": task.speakers, "corpus": task.corpora}
        if attribute not in known:
            raise MmserError(
                "attribute gender, speaker or corpus", f"'{attribute}'", "Correct the objective."
            )
        if len(known[attribute]) < 2:
            raise MmserError(
                f"at least two values of {attribute} in the training fold",
                ", ".join(known[attribute]) or "none",
                f"Leave out the {attribute} term for this corpus.",
            )
        self.whole_epoch = True
        self.attribute = attribute
        self.output = nn.Linear(vector_size, len(known[attribute]))

    def forward(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """-> {attribute: scalar} and the fusion's own terms."""
        outputs = model(batch.streams, batch.context)
        target = batch.targets[self.attribute]
        logits = self.output(outputs.vector).float()
        losses = F.cross_entropy(logits, target, ignore_index=UNLABELLED, reduction="sum")
        return {
            self.attribute: losses / (target != UNLABELLED).sum().clamp_min(1),
            **outputs.losses,
        }
