"""A classifier of the domain behind a gradient reversal, used beside a main loss.

Source: Ganin et al., "Domain-adversarial training of neural networks", JMLR 2016. Everyone
minimises the classifier's cross-entropy; the reversal turns the encoder's share of the gradient
round, at a strength that grows with training.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy
from mmser.objectives.terms.domain_rows import Domain, domain_count, domain_of
from mmser.objectives.terms.gradient_reversal import reversal_ramp, reverse_gradient


class DomainAdversarial(nn.Module):
    """vector -> gradient reversal -> linear, ReLU, dropout, linear -> domain.

    ``strength`` scales the reversed gradient; with ``ramp`` it grows as `reversal_ramp` of
    ``progress``, the share of training done. The classifier belongs to the loss, so the saved model
    carries nothing that only training needs.
    """

    whole_split: ClassVar[bool] = True

    def __init__(
        self,
        task: Task,
        vector_size: int,
        domain: Domain = "labelled",
        hidden_size: int = 128,
        dropout: float = 0.5,
        strength: float = 1.0,
        ramp: bool = True,
    ) -> None:
        super().__init__()
        self.progress = 0.0
        self.domain, self.strength, self.ramp = domain, strength, ramp
        self.classifier = nn.Sequential(
            nn.Linear(vector_size, hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, domain_count(task, domain)),
        )

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"domain": scalar}; rows of an unknown domain are ignored."""
        target = domain_of(batch.targets, self.domain)
        strength = self.strength * (reversal_ramp(self.progress) if self.ramp else 1.0)
        logits = self.classifier(reverse_gradient(outputs.vector, strength)).float()
        return {"domain": labelled_cross_entropy(logits, target)}
