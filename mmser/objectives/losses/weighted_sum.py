"""Several losses at once, weighted: multi-task learning and auxiliary losses are built of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.contracts import (
    AlternatingLoss,
    Objective,
    RampedLoss,
    SplitLoss,
    StepLoss,
    TraceLoss,
)
from mmser.core.errors import MmserError
from mmser.core.task import Task


class WeightedSum(nn.Module):
    """``sum of weights[name] * terms[name]``, all terms losses of the same outputs.

    ``terms`` are losses by name, built as any loss is; a term without an entry in ``weights``
    counts 1. A loss is named ``<term>.<its own name>``. What single terms ask for, steps or the
    share of training done, the sum asks for them.
    """

    def __init__(
        self,
        task: Task,
        vector_size: int,
        terms: Mapping[str, Callable[..., nn.Module]],
        weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.weights = dict(weights or {})
        unknown = sorted(set(self.weights) - set(terms))
        if unknown:
            raise MmserError(
                f"weights for {', '.join(terms)}",
                f"a weight for {', '.join(unknown)}",
                "Correct it.",
            )
        # A list: a ModuleDict refuses names that it has as methods, such as `values`.
        self.names = tuple(terms)
        self.terms = nn.ModuleList(
            make(task=task, vector_size=vector_size) for make in terms.values()
        )
        for name, term in zip(self.names, self.terms, strict=True):
            if isinstance(term, Objective):
                raise MmserError(
                    "terms that are losses of the model's outputs",
                    f"{name}, {type(term).__name__}, which runs the model in its own way",
                    "Train it as a stage of its own (`stages`).",
                )

    @property
    def whole_split(self) -> bool:
        """Whether every term can be computed over all rows of a split at once."""
        return all(isinstance(term, SplitLoss) and term.whole_split for term in self.terms)

    @property
    def progress(self) -> float:
        """The share of training done, as the terms were told."""
        return next((term.progress for term in self.terms if isinstance(term, RampedLoss)), 0.0)

    @progress.setter
    def progress(self, share: float) -> None:
        for term in self.terms:
            if isinstance(term, RampedLoss):
                term.progress = share

    def needs_steps(self, batch: Batch) -> bool:
        """Where a term does."""
        return any(isinstance(term, StepLoss) and term.needs_steps(batch) for term in self.terms)

    def after_step(self) -> None:
        """The turn of the terms that alternate."""
        for term in self.terms:
            if isinstance(term, AlternatingLoss):
                term.after_step()

    def paired_frames(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Those of the first term with traced labels."""
        for term in self.terms:
            if isinstance(term, TraceLoss):
                return term.paired_frames(outputs, batch)
        return None

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"<term>.<loss>": scalar}"""
        losses: dict[str, Tensor] = {}
        for name, term in zip(self.names, self.terms, strict=True):
            weight = self.weights.get(name, 1.0)
            for key, loss in term(outputs, batch).items():
                losses[f"{name}.{key}"] = weight * loss
        return losses
