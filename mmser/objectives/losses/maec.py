"""Classes and gender, while a discriminator draws the vector towards a Gaussian (MAEC).

Source: "Multi-instance learning with an adversarial auto-encoder classifier for speech emotion
recognition", ICASSP 2021; the regularisation is that of Makhzani et al., "Adversarial
autoencoders", 2016.

Differs:
    One step instead of three in turn: the discriminator sees the vector detached, the encoder sees
    the discriminator with fixed weights, so that each loss moves what it should. The non-saturating
    form with weight 0.1 (as printed: ``saturating``, weight 1). The minus signs of the printed
    class terms are put back.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import class_logits, labelled_cross_entropy


class AdversarialClassifier(nn.Module):
    """``L_C + weight * L_adv`` for the model, ``L_D`` for the discriminator.

    With ``adversarial`` false it is MEC.

    The gender layer is left out where the training fold has fewer than two genders.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        adversarial: bool = True,
        weight: float = 0.1,
        saturating: bool = False,
        hidden_size: int = 512,
    ) -> None:
        super().__init__()
        self.weight, self.saturating = weight, saturating
        self.gender = nn.Linear(vector_size, len(task.genders)) if len(task.genders) > 1 else None
        self.discriminator: nn.Sequential | None = None
        if adversarial:
            self.discriminator = nn.Sequential(
                nn.Linear(vector_size, hidden_size), nn.LeakyReLU(0.2), nn.Linear(hidden_size, 1)
            )

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"emotion", "gender", "discriminator", "adversarial": scalars}."""
        logits = class_logits(outputs)
        losses = {"emotion": labelled_cross_entropy(logits, batch.targets["emotion"])}
        if self.gender is not None:
            logits = self.gender(outputs.vector).float()
            losses["gender"] = labelled_cross_entropy(logits, batch.targets["gender"])
        if self.discriminator is not None:
            losses["discriminator"] = self.discriminator_loss(
                torch.randn_like(outputs.vector), outputs.vector
            )
            losses["adversarial"] = self.weight * self.adversarial_loss(outputs.vector)
        return losses

    def discriminator_loss(self, prior: Tensor, vector: Tensor) -> Tensor:
        """``- E log D(e) - E log(1 - D(Z))``; no gradient reaches the vector."""
        of_prior, of_model = self._judged(prior), self._judged(vector.detach())
        return F.softplus(-of_prior).mean() + F.softplus(of_model).mean()

    def adversarial_loss(self, vector: Tensor) -> Tensor:
        """``- E log D(Z)``, or ``E log(1 - D(Z))``; no gradient reaches the discriminator."""
        judged = self._judged(vector, fixed=True)
        return -F.softplus(judged).mean() if self.saturating else F.softplus(-judged).mean()

    def _judged(self, vector: Tensor, fixed: bool = False) -> Tensor:
        """vector (batch, feature) -> (batch, 1) logit of "from the prior"."""
        network = self.discriminator
        if network is None:
            raise MmserError(
                "an objective with a discriminator", "adversarial=false", "Set adversarial=true."
            )
        weights: dict[str, Tensor] = dict(network.named_parameters())
        if fixed:
            weights = {name: weight.detach() for name, weight in weights.items()}
        judged: Tensor = functional_call(network, weights, (vector,))
        return judged
