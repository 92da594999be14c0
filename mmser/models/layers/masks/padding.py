"""What stands in padded positions never reaches a result or a gradient.

A mask is True where a step is real.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.layers.masks.derived import once


def padding(mask: Tensor) -> Tensor:
    """The opposite of a mask, of the same shape: True where a step is padded."""
    return once(torch.logical_not, mask)


def real_steps(mask: Tensor) -> Tensor:
    """mask (batch, time) -> (batch,) long: the number of real steps."""
    return once(_real_steps, mask)


def _real_steps(mask: Tensor) -> Tensor:
    return mask.sum(dim=1)


def absent(mask: Tensor) -> Tensor:
    """mask (batch, *any, time) -> (batch, *any) bool: without any real step."""
    return once(_absent, mask)


def _absent(mask: Tensor) -> Tensor:
    return ~mask.any(dim=-1)


def zero_padding(values: Tensor, mask: Tensor) -> Tensor:
    """values (batch, time, *feature) with padded steps of mask (batch, time) set to zero.

    NaN is set to zero too.
    """
    return filled_padding(values, mask, 0.0)


def filled_padding(values: Tensor, mask: Tensor, fill: float) -> Tensor:
    """`zero_padding` with another value than zero, such as a feature's value of silence."""
    padded = padding(mask)
    return values.masked_fill(
        padded.reshape(padded.shape + (1,) * (values.dim() - padded.dim())), fill
    )


def filled_map(values: Tensor, mask: Tensor, fill: float = 0.0) -> Tensor:
    """A map (batch, channel, time[, frequency]) with its padded steps set to ``fill``.

    mask (batch, time). The layout stays as it is: masked_fill would put the channels first again,
    and takes three times as long.
    """
    real = mask.reshape(mask.shape[0], 1, mask.shape[1], *(1,) * (values.dim() - 3))
    return torch.where(real, values, fill)


def length_mask(lengths: Tensor, time: int) -> Tensor:
    """lengths (batch,) -> mask (batch, time) with the first ``lengths`` steps True."""
    return torch.arange(time, device=lengths.device) < lengths[:, None]


def extent(mask: Tensor) -> Tensor:
    """mask (batch, time) -> (batch,) long: the steps up to the last real one, gaps included."""
    return (torch.arange(1, mask.shape[1] + 1, device=mask.device) * mask).amax(dim=1)


def all_real(mask: Tensor) -> bool:
    """Nothing is padded.

    Data of fixed length may then take torch's own kernels, which cost less than half as much. A
    model that is being exported must do for every mask.
    """
    return not mask.is_meta and not torch.compiler.is_exporting() and bool(mask.all())


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax over the True entries of ``mask`` (broadcast to ``scores``).

    A row without any gives zeros. Masked entries are exactly zero and gradients stay finite, also
    in rows without any True entry.
    """
    padded = padding(mask)
    weights = scores.masked_fill(padded, torch.finfo(scores.dtype).min).softmax(dim)
    return weights.masked_fill(padded, 0.0)


def strided(mask: Tensor, stride: int) -> Tensor:
    """Every ``stride``-th step of a mask, from the first.

    mask (batch, time) -> (batch, ceil(time / stride)).
    """
    if stride > 1 and torch.compiler.is_exporting():
        # An exporter cannot work out the size of a slice with a step.
        return F.avg_pool1d(mask.float()[:, None], 1, stride).squeeze(1) > 0
    return mask[:, ::stride]
