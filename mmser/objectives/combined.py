"""Several objectives at once, weighted: multi-task learning and auxiliary losses are built of these
parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from mmser.core.batch import Batch, Context, Outputs, Streams
from mmser.core.contracts import Model
from mmser.core.errors import MmserError
from mmser.core.task import Task


class Combined(nn.Module):
    """``sum of weights[name] * terms[name]``, the model run once for all terms that read the batch
    as it is.

    ``terms`` are objectives by name, built as any objective is; a term without an entry in
    ``weights`` counts 1. A loss is named ``<term>.<its own name>``; the fusion's own terms keep
    their names and count once. The learner's ``progress`` and ``after_step`` reach the terms that
    have them.
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
        self.whole_epoch = all(getattr(term, "whole_epoch", False) for term in self.terms)

    @property
    def progress(self) -> float:
        """The share of training done, as the terms were told."""
        return next((float(term.progress) for term in self.terms if hasattr(term, "progress")), 0.0)  # type: ignore[arg-type]

    @progress.setter
    def progress(self, share: float) -> None:
        for term in self.terms:
            if hasattr(term, "progress"):
                term.progress = share  # type: ignore[assignment]

    def after_step(self, model: Model) -> None:
        """Called after each optimizer step."""
        for term in self.terms:
            if hasattr(term, "after_step"):
                term.after_step(model)  # type: ignore[operator]

    def forward(self, model: Model, batch: Batch) -> dict[str, Tensor]:
        """-> {"<term>.<loss>": scalar} and the fusion's own terms."""
        once = _Once(model, batch)
        losses: dict[str, Tensor] = {}
        for name, term in zip(self.names, self.terms, strict=True):
            weight = self.weights.get(name, 1.0)
            for key, loss in term(once, batch).items():
                if key in once.fusion_losses:
                    losses[key] = loss
                else:
                    losses[f"{name}.{key}"] = weight * loss
        return losses


class _Once:
    """A model that remembers its Outputs for one batch; other input and other attributes reach the
    model itself.
    """

    def __init__(self, model: Model, batch: Batch) -> None:
        self._model = model
        self._batch = batch
        self._outputs: Outputs | None = None

    @property
    def fusion_losses(self) -> Mapping[str, Tensor]:
        return self._outputs.losses if self._outputs is not None else {}

    def __call__(self, streams: Streams, context: Context, need_attention: bool = False) -> Outputs:
        if (
            streams is not self._batch.streams
            or context is not self._batch.context
            or need_attention
        ):
            return self._model(streams, context, need_attention=need_attention)
        if self._outputs is None:
            self._outputs = self._model(streams, context)
        return self._outputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)
