"""Mixup of fused vectors: the head is trained on pairs of utterances and pairs of labels.

Source: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018; of hidden vectors in
place of inputs as Verma et al., "Manifold mixup", ICML 2019. A vector has no time, so no utterance
is mixed with another's padding; where encoders and fusion only pool, both are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Step
from mmser.core.contracts import HeadedModel, Model, SequenceHead, SplitLoss
from mmser.core.errors import MmserError
from mmser.core.task import Task


class Mixup(nn.Module):
    """``share * loss(mixed, own label) + (1 - share) * loss(mixed, partner's label)``.

    ``share`` of a batch is drawn from Beta(``alpha``, ``alpha``), each row's partner is another row
    of the batch. ``loss`` is one of the model's logits, values and vector. Validation mixes
    nothing.
    """

    def __init__(
        self, task: Task, vector_size: int, loss: Callable[..., nn.Module], alpha: float = 0.2
    ) -> None:
        super().__init__()
        if not alpha > 0:
            raise MmserError("alpha above 0", f"{alpha}", "The paper's are 0.1 to 0.4.")
        self.alpha = alpha
        self.loss = loss(task=task, vector_size=vector_size)
        if not (isinstance(self.loss, SplitLoss) and self.loss.whole_split):
            raise MmserError(
                "a loss of the model's logits, values and vector",
                type(self.loss).__name__,
                "Choose objective.loss among cross_entropy, focal, ccc, ...",
            )

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {loss: scalar}, and the fusion's own terms."""
        outputs = model(batch.streams, batch.context)
        if not self.training:
            return Step({**self.loss(outputs, batch), **outputs.losses}, outputs)
        if not isinstance(model, HeadedModel) or isinstance(model.head, SequenceHead):
            raise MmserError(
                "a model whose head reads the fused vector",
                "a head of sequences",
                "Use its loss without mixup.",
            )
        share = torch.distributions.Beta(self.alpha, self.alpha).sample().to(outputs.vector)
        partner = torch.randperm(len(batch.ids)).to(outputs.vector.device)
        vector = share * outputs.vector + (1 - share) * outputs.vector[partner]
        logits, values = model.head(vector)
        mixed = replace(outputs, vector=vector, logits=logits, values=values)
        partners = {name: target[partner] for name, target in batch.targets.items()}
        own, other = (self.loss(mixed, each) for each in (batch, replace(batch, targets=partners)))
        losses: dict[str, Tensor] = {
            name: share * own[name] + (1 - share) * other[name] for name in own
        }
        return Step({**losses, **outputs.losses}, outputs)
