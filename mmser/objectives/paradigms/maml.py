"""Meta-learning of an initialisation that adapts fast: MAML and its first-order form.

Sources: Finn, Abbeel, Levine, "Model-agnostic meta-learning", ICML 2017; used for speech emotion in
Chopra et al., "Meta-learning for low-resource speech emotion recognition", ICASSP 2021 (MetaSER).

Differs:
    Episodes come from one corpus each and share no row between support and query (the released code
    draws both from the pool of all corpora). The weights are never changed in the inner loop: the
    model is called with adapted copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mmser.core.batch import Batch, Context, Outputs, Step, Stream
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.cross_entropy import labelled_cross_entropy

Weights = dict[str, Tensor]


class Maml(nn.Module):
    """``sum over tasks of L(adapted weights; query)``.

    The weights are adapted by ``inner_steps`` of gradient descent on the task's support rows.

    A training batch holds ``tasks`` episodes one after another, each ``support`` rows of every
    class, then ``query`` rows of every class (data.batching=episodes with the same numbers).
    ``second_order`` differentiates through the inner steps (MAML); without it the query gradient at
    the adapted weights counts as that of the initial ones (FOMAML). In evaluation mode the loss is
    the plain cross-entropy at the weights as they are.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        tasks: int = 8,
        support: int = 5,
        query: int = 5,
        inner_lr: float = 2e-4,
        inner_steps: int = 1,
        second_order: bool = False,
    ) -> None:
        super().__init__()
        if not task.classes:
            raise MmserError("a protocol with classes", "none", "Choose another objective.")
        self.tasks, self.inner_lr, self.inner_steps = tasks, inner_lr, inner_steps
        self.support_rows, self.query_rows = support * len(task.classes), query * len(task.classes)
        self.second_order = second_order

    def step(self, model: Model, batch: Batch, progress: float) -> Step:
        """-> {"query": scalar}"""
        if not self.training:
            outputs = model(batch.streams, batch.context)
            return Step({"query": _cross_entropy(outputs, batch)}, outputs)
        episode = self.support_rows + self.query_rows
        if len(batch.ids) != self.tasks * episode:
            raise MmserError(
                f"batches of {self.tasks} episodes of {self.support_rows} + {self.query_rows} rows",
                f"{len(batch.ids)} rows",
                "Set data.batching=episodes and the same tasks, support and query in "
                "data.episodes.",
            )
        with _twice_differentiable(self.second_order):
            losses = [
                self._episode(model, batch, first) for first in range(0, len(batch.ids), episode)
            ]
        return Step({"query": torch.stack(losses).sum()})

    # Below a model is Any: torch's `functional_call` asks for a Module, which no Protocol can be.

    def _episode(self, model: Any, batch: Batch, first: int) -> Tensor:
        middle = first + self.support_rows
        adapted = self.adapt(model, _rows(batch, first, middle))
        return self._loss(model, adapted, _rows(batch, middle, middle + self.query_rows))

    def adapt(self, model: Any, support: Batch) -> Weights:
        """The weights that learn, after the inner steps on ``support``; the model itself stays."""
        weights = {
            name: weight for name, weight in model.named_parameters() if weight.requires_grad
        }
        for _ in range(self.inner_steps):
            loss = self._loss(model, weights, support)
            gradients = torch.autograd.grad(
                loss, list(weights.values()), create_graph=self.second_order, allow_unused=True
            )
            adapted = dict(weights)
            for name, gradient in zip(weights, gradients, strict=True):
                # None: no weight of the loss's graph, such as the head of another stage.
                if gradient is not None:
                    adapted[name] = weights[name] - self.inner_lr * gradient
            weights = adapted
        return weights

    @staticmethod
    def _loss(model: Any, weights: Weights, batch: Batch) -> Tensor:
        outputs = functional_call(model, weights, (batch.streams, batch.context))
        return _cross_entropy(outputs, batch)


def _cross_entropy(outputs: Outputs, batch: Batch) -> Tensor:
    """Mean over labelled rows; zero where there is none."""
    if outputs.logits is None:
        raise MmserError(
            "a model with class logits", "none", "Choose a head with classes, e.g. classifier."
        )
    return labelled_cross_entropy(outputs.logits, batch.targets["emotion"])


def _rows(batch: Batch, first: int, last: int) -> Batch:
    """The rows from ``first`` up to ``last`` as a batch."""
    cut = slice(first, last)
    context = Context(
        batch.context.dialogue[cut], batch.context.turn[cut], batch.context.speaker[cut]
    )
    return Batch(
        batch.ids[cut],
        {
            name: Stream(stream.values[cut], stream.mask[cut])
            for name, stream in batch.streams.items()
        },
        context,
        {name: target[cut] for name, target in batch.targets.items()},
    )


@contextmanager
def _twice_differentiable(second_order: bool) -> Iterator[None]:
    """Torch's own recurrent kernels for second order: cuDNN's have no second derivative."""
    with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled and not second_order):
        yield
