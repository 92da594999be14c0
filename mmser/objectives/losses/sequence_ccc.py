"""Concordance of values predicted at every frame, for labels traced over time (SEWA, RECOLA).

Atmaja and Akagi, ICASSP 2020, eq. 2: alpha (1 - CCC of arousal) + beta (1 - CCC of valence) + gamma
(1 - CCC of liking), weights searched at random in 0..1 on the development split; they need not sum
to 1.

The labels are a trace of the batch, (batch, time, value) in the order of the task's values, NaN
where unlabelled. Without it the target of an utterance's mean value is its label.

Differs:
    Padded frames are left out (not stated), and the CCC is over all labelled frames of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmser.core.batch import Batch, Outputs
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.objectives.terms.concordance import concordance


class SequenceConcordance(nn.Module):
    """Sum over the values of ``weight * (1 - CCC)``.

    ``weights`` maps values to their weight, 1 where none is given; ``labels`` names the trace that
    holds the labels. ``delay`` frames are the annotators' reaction: the prediction at frame t
    learns the label at t + delay.
    """

    weights: Tensor

    def __init__(
        self,
        task: Task,
        vector_size: int,
        weights: Mapping[str, float] | None = None,
        labels: str = "labels",
        delay: int = 1,
    ) -> None:
        super().__init__()
        by_name = dict(weights or {})
        if not task.values or set(by_name) - set(task.values):
            values = ", ".join(task.values) or "it has none"
            raise MmserError(
                f"weights for values of the protocol ({values})",
                f"weights for {', '.join(by_name) or 'none'}",
                "Choose a protocol with values, correct objective.weights.",
            )
        if delay < 0:
            raise MmserError(
                "a delay of 0 frames or more",
                f"{delay}",
                "Labels lag behind, they do not run ahead.",
            )
        self.labels = labels
        self.delay = delay
        in_order = [float(by_name.get(name, 1.0)) for name in task.values]
        self.register_buffer("weights", torch.tensor(in_order), persistent=False)

    def needs_steps(self, batch: Batch) -> bool:
        """Where labels are traced."""
        return self.labels in batch.traces

    def forward(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """-> {"sequence_ccc": scalar}; a value with less than two labels adds nothing."""
        paired = self.paired_frames(outputs, batch)
        if paired is not None:
            values, target = (frames.flatten(0, 1) for frames in paired)
        elif outputs.values is not None:
            values, target = outputs.values, batch.targets["values"]
        else:
            raise MmserError(
                "a model with values", "none", "Choose a head with values, e.g. regression."
            )
        defined = (~target.isnan()).sum(dim=0) > 1
        losses = torch.where(defined, 1.0 - concordance(values.float(), target), 0.0)
        return {"sequence_ccc": (losses * self.weights).sum()}

    def paired_frames(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Predictions and labels (batch, time, value) frame by frame, None without traced labels.

        A label is NaN where it or the prediction is missing.
        """
        if self.labels not in batch.traces:
            return None
        target = batch.traces[self.labels].filled(float("nan"))
        return _paired(_frame_values(outputs), target, self.delay)


def _frame_values(outputs: Outputs) -> Tensor:
    """(batch, time, value), NaN outside real frames."""
    if outputs.sequence is None or outputs.steps is None or outputs.steps.values is None:
        remedy = "Use model.fusion early_lstm with head regression or classifier."
        raise MmserError("a fused sequence and a head for its frames", "none", remedy)
    real = outputs.sequence.mask[..., None]
    return outputs.steps.values.masked_fill(~real, float("nan"))


def _paired(values: Tensor, target: Tensor, delay: int) -> tuple[Tensor, Tensor]:
    """Frames of (batch, time, value) that both have: prediction t beside label t + delay."""
    steps = max(0, min(values.shape[1], target.shape[1] - delay))
    predictions, labels = values[:, :steps], target[:, delay : delay + steps]
    real = ~predictions.isnan()
    # No NaN may enter the sum, not even multiplied by zero: its gradient would be NaN.
    return torch.where(real, predictions, 0.0), labels.masked_fill(~real, float("nan"))
