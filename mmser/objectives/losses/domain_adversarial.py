"""Domain-adversarial training: a classifier of the domain behind a gradient reversal, used beside a
main objective.

Source: Ganin et al., "Domain-adversarial training of neural networks", JMLR 2016. Everyone
minimises the classifier's cross-entropy; the reversal turns the encoder's share of the gradient
round, at a strength that grows with training.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import UNLABELLED, Batch
from mmser.core.contracts import Model
from mmser.core.task import Task
from mmser.objectives.terms.domain_rows import Domain, domain_count, domain_of
from mmser.objectives.terms.gradient_reversal import reversal_ramp, reverse_gradient


class DomainAdversarial(nn.Module):
    """vector -> gradient reversal -> linear, ReLU, dropout, linear -> domain.

    ``strength`` scales the reversed gradient; with ``ramp`` it grows as `reversal_ramp` of
    ``progress``, which the learner sets. The classifier belongs to the objective, so the saved
    model carries nothing that only training needs.
    """

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
        self.whole_epoch = True
        self.progress = 0.0
        self.domain, self.strength, self.ramp = domain, strength, ramp
        self.classifier = nn.Sequential(
            nn.Linear(vector_size, hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, domain_count(task, domain)),
        )

    def forward(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """-> {"domain": scalar} and the fusion's own terms; rows of an unknown
        domain are ignored.
        """
        outputs = model(batch.streams, batch.context)
        target = domain_of(batch.targets, self.domain)
        strength = self.strength * (reversal_ramp(self.progress) if self.ramp else 1.0)
        logits = self.classifier(reverse_gradient(outputs.vector, strength)).float()
        losses = F.cross_entropy(logits, target, ignore_index=UNLABELLED, reduction="sum")
        return {"domain": losses / (target != UNLABELLED).sum().clamp_min(1), **outputs.losses}
