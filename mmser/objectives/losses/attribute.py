"""Classification of speaker, gender or corpus from the fused vector (multi-task learning)."""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy


class AttributeClassification(nn.Module):
    """Linear -> cross-entropy on ``targets[attribute]``.

    Rows of an attribute that training has not seen are ignored.

    The layer belongs to the loss, so the saved model carries nothing that only training needs.
    """

    whole_split: ClassVar[bool] = True

    def __init__(
        self,
        task: Task,
        vector_size: int,
        attribute: Literal["gender", "speaker", "corpus"] = "gender",
    ) -> None:
        super().__init__()
        names = {"gender": task.genders, "speaker": task.speakers, "corpus": task.corpora}
        if attribute not in names:
            raise MmserError(
                "attribute gender, speaker or corpus", f"'{attribute}'", "Correct the objective."
            )
        if len(names[attribute]) < 2:
            raise MmserError(
                f"at least two values of {attribute} in the training fold",
                ", ".join(names[attribute]) or "none",
                f"Leave out the {attribute} term for this corpus.",
            )
        self.attribute = attribute
        self.output = nn.Linear(vector_size, len(names[attribute]))

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {attribute: scalar}."""
        logits = self.output(outputs.vector).float()
        return {self.attribute: labelled_cross_entropy(logits, batch.targets[self.attribute])}
