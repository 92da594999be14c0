"""Pooling over real steps: mean, sum, max, last, statistics, learnt attention, both.

A row without any gives zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmser.models.layers.masks.derived import once
from mmser.models.layers.masks.order import last_real, rows_at
from mmser.models.layers.masks.padding import (
    absent,
    filled_padding,
    masked_softmax,
    real_steps,
    zero_padding,
)


def _divisor(values: Tensor, mask: Tensor) -> Tensor:
    count = once(_step_count, mask, values.dtype)
    return count.reshape((-1,) + (1,) * (values.dim() - 2))


def _step_count(mask: Tensor, dtype: torch.dtype) -> Tensor:
    return real_steps(mask).clamp(min=1).to(dtype)


def _absent_rows(values: Tensor, mask: Tensor) -> Tensor:
    """(batch, 1, ...), one dimension for each feature dimension of values."""
    return absent(mask).reshape((-1,) + (1,) * (values.dim() - 2))


def masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    """values (batch, time, *feature), mask (batch, time) -> (batch, *feature)."""
    return zero_padding(values, mask).sum(dim=1)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """values (batch, time, *feature), mask (batch, time) -> (batch, *feature)."""
    return zero_padding(values, mask).sum(dim=1) / _divisor(values, mask)


def masked_max(values: Tensor, mask: Tensor) -> Tensor:
    """values (batch, time, *feature), mask (batch, time) -> (batch, *feature)."""
    highest = filled_padding(values, mask, torch.finfo(values.dtype).min).amax(dim=1)
    return highest.masked_fill(_absent_rows(values, mask), 0.0)


def masked_std(values: Tensor, mask: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Population standard deviation over time, (batch, *feature).

    ``epsilon`` under the root keeps the gradient finite.
    """
    deviation = zero_padding(zero_padding(values, mask) - masked_mean(values, mask)[:, None], mask)
    variance = deviation.square().sum(dim=1) / _divisor(values, mask)
    return (variance + epsilon).sqrt().masked_fill(_absent_rows(values, mask), 0.0)


def masked_statistics(values: Tensor, mask: Tensor) -> Tensor:
    """Mean and standard deviation side by side: (batch, time, feature) -> (batch, 2 feature)."""
    return torch.cat([masked_mean(values, mask), masked_std(values, mask)], dim=-1)


def last_step(values: Tensor, mask: Tensor) -> Tensor:
    """The last real step of each row: (batch, time, *feature) -> (batch, *feature)."""
    values = rows_at(zero_padding(values, mask), once(last_real, mask))
    return values.squeeze(1).masked_fill(_absent_rows(values, mask), 0.0)


class AttentionPooling(nn.Module):
    """One learnt score per step, softmax over valid steps, weighted sum.

    ``hidden_size`` inserts a tanh layer before the score (Bahdanau et al. 2015); None scores the
    step linearly.
    """

    def __init__(self, size: int, hidden_size: int | None = None) -> None:
        super().__init__()
        self.score: nn.Module
        if hidden_size is None:
            self.score = nn.Linear(size, 1, bias=False)
        else:
            self.score = nn.Sequential(
                nn.Linear(size, hidden_size), nn.Tanh(), nn.Linear(hidden_size, 1, bias=False)
            )

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, time, feature), mask (batch, time) -> vector (batch, feature), weights.

        Weights are (batch, time).
        """
        values = zero_padding(values, mask)
        weights = masked_softmax(self.score(values).squeeze(-1), mask)
        return torch.einsum("bt,btf->bf", weights, values), weights


class AttentiveStatisticsPooling(nn.Module):
    """Mean and standard deviation over time, both weighted by learnt attention, side by side.

    Okabe, Koshinaka, Shinoda, "Attentive statistics pooling for deep speaker embedding",
    Interspeech 2018, equations 5 to 8, with tanh. ``hidden_size``: of the attention; None: as the
    input. ``epsilon``: the least variance.
    """

    def __init__(self, size: int, hidden_size: int | None = None, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.hidden = nn.Linear(size, hidden_size or size)
        # A constant added to all scores would change nothing: no bias.
        self.score = nn.Linear(hidden_size or size, 1, bias=False)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, time, feature), mask (batch, time) -> vector (batch, 2 feature), weights.

        Weights are (batch, time).
        """
        values = zero_padding(values, mask)
        scores = self.score(torch.tanh(self.hidden(values))).squeeze(-1)
        weights = masked_softmax(scores, mask)
        mean = torch.einsum("bt,btf->bf", weights, values)
        variance = torch.einsum("bt,btf->bf", weights, (values - mean[:, None]).square())
        deviation = variance.clamp(min=self.epsilon).sqrt()
        return torch.cat([mean, zero_padding(deviation, mask.any(dim=1))], dim=-1), weights
