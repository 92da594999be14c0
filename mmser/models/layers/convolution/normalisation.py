"""Normalisation whose statistics come from real steps alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.masks.padding import all_real, filled_map


class MaskedBatchNorm(nn.Module):
    """Batch norm over (batch, channel, time[, frequency]) with a time mask; padding comes out zero.

    Parameters and buffers are named as in torch's own batch norm. A training batch without any real
    step uses the running statistics and leaves them alone.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, size: int, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))
        self.register_buffer("running_mean", torch.zeros(size))
        self.register_buffer("running_var", torch.ones(size))

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, channel, time[, frequency]), mask (batch, time) -> the same shape."""
        if all_real(mask) and (not self.training or values.numel() > values.shape[1]):
            return self._norm(values, self.training)
        if not self.training:
            return filled_map(self._norm(filled_map(values, mask), training=False), mask)
        # Torch's kernel over the real steps alone: far fewer passes than masked sums would take.
        steps = values.movedim(1, -1)[mask]  # (real step[, frequency], channel)
        normed = self._normed_steps(steps.flatten(0, -2)).view_as(steps)
        # Laid out in memory as the values are.
        blank = torch.zeros_like(values, dtype=normed.dtype).movedim(1, -1)
        return blank.index_put((mask,), normed).movedim(-1, 1)

    def _normed_steps(self, steps: Tensor) -> Tensor:
        """steps (n, channel), normalised by their own statistics.

        A single step is normalised by the running ones; no step stays none.
        """
        return self._norm(steps, training=len(steps) > 1)

    def _norm(self, values: Tensor, training: bool) -> Tensor:
        running = self.running_mean, self.running_var
        return F.batch_norm(
            values, *running, self.weight, self.bias, training, self.momentum, self.epsilon
        )


def masked_group_norm(
    values: Tensor, mask: Tensor, groups: int, weight: Tensor, bias: Tensor, epsilon: float
) -> Tensor:
    """Group norm whose statistics, per row and group, run over real steps only.

    Padding comes out zero. values (batch, channel, time), mask (batch, time) -> (batch, channel,
    time). With one group per channel this is the first convolution layer of wav2vec 2.0 base, made
    exact under padding.
    """
    real = mask[:, None, None]
    # (batch, group, channel, time)
    grouped = values.unflatten(1, (groups, -1)).masked_fill(~real, 0.0)
    count = (mask.sum(dim=1).clamp(min=1) * grouped.shape[2])[:, None, None, None]
    mean = grouped.sum(dim=(2, 3), keepdim=True) / count
    centred = (grouped - mean).masked_fill(~real, 0.0)
    variance = centred.square().sum(dim=(2, 3), keepdim=True) / count
    normed = (centred * torch.rsqrt(variance + epsilon)).flatten(1, 2)
    return (normed * weight[:, None] + bias[:, None]).masked_fill(~mask[:, None], 0.0)
