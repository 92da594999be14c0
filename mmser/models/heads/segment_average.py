"""Logits and values of every step of the fused sequence -> their mean over the utterance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.dense.feed_forward import Activation, activation
from mmser.models.layers.time.pooling import masked_mean


class SegmentAverage(nn.Module):
    """Dropout, hidden layers as in `Classifier`, linear outputs per step; then the mean over steps.

    ``average`` says what is averaged. ``probabilities``: the logits are the logarithm of the mean
    class probability, so that their softmax is that mean. ``log_probabilities``: they are the mean
    of the steps' log-softmax. ``logits``: they are the mean of the steps' logits. Values are
    averaged. ``bias`` belongs to the output layers; ``output_dropout`` is the dropout behind the
    last hidden layer (None: as ``dropout``).
    """

    def __init__(
        self,
        input_size: int,
        task: Task,
        hidden_sizes: Sequence[int] = (),
        dropout: float = 0.0,
        activation_name: Activation = "relu",
        average: Literal["probabilities", "log_probabilities", "logits"] = "probabilities",
        bias: bool = True,
        output_dropout: float | None = None,
    ) -> None:
        super().__init__()
        if average not in ("probabilities", "log_probabilities", "logits"):
            raise MmserError(
                "average probabilities, log_probabilities or logits",
                f"'{average}'",
                "Choose one of them.",
            )
        classes, values = task.output_size("logits"), task.output_size("values")
        self.average = average
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        for inner, outer in zip((input_size, *hidden_sizes), hidden_sizes, strict=False):
            layers += [nn.Linear(inner, outer), activation(activation_name), nn.Dropout(dropout)]
        if hidden_sizes and output_dropout is not None:
            layers[-1] = nn.Dropout(output_dropout)
        size = hidden_sizes[-1] if hidden_sizes else input_size
        self.hidden = nn.Sequential(*layers)
        self.logits = nn.Linear(size, classes, bias) if classes else None
        self.values = nn.Linear(size, values, bias) if values else None

    def steps(self, sequence: Stream) -> tuple[Tensor | None, Tensor | None]:
        """(batch, step, feature) -> logits (batch, step, class), values (batch, step, value)."""
        hidden = self.hidden(sequence.filled())
        logits = None if self.logits is None else self.logits(hidden)
        values = None if self.values is None else self.values(hidden)
        return logits, values

    def forward(self, sequence: Stream) -> tuple[Tensor | None, Tensor | None]:
        """(batch, step, feature) -> logits (batch, class), values (batch, value), or None."""
        hidden, mask = self.hidden(sequence.filled()), sequence.mask
        values = None if self.values is None else masked_mean(self.values(hidden), mask)
        if self.logits is None:
            return None, values
        steps = self.logits(hidden)
        if self.average == "logits":
            return masked_mean(steps, mask), values
        if self.average == "log_probabilities":
            return masked_mean(steps.log_softmax(dim=-1), mask), values
        return log_mean_probability(steps, mask), values


def log_mean_probability(logits: Tensor, mask: Tensor) -> Tensor:
    """logits (batch, step, class), mask (batch, step) -> (batch, class), log of the mean softmax.

    The mean is over real steps. A row without any step gets equal probabilities.
    """
    classes = logits.shape[-1]
    # A padded step has probability 0, and the least finite number keeps gradients free of NaN.
    least = torch.finfo(logits.dtype).min
    logs = logits.log_softmax(dim=-1).masked_fill(~mask[..., None], least)
    steps = mask.sum(dim=1, keepdim=True).clamp(min=1)
    mean = logs.logsumexp(dim=1) - steps.log()
    return torch.where(mask.any(dim=1, keepdim=True), mean, -math.log(classes))
