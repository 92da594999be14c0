"""Group normalisation whose statistics see the valid frames only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn


class ValidGroupNorm(nn.Module):
    """One group per channel: each channel to mean 0 and variance 1 over the valid frames of its
    row, then affine.

    Takes over the parameters of a ``nn.GroupNorm`` in which every channel is its own group.
    ``frames`` holds (batch,) long, the number of valid frames of each row of the calls of this
    thread; None: all.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.weight = norm.weight
        self.bias = norm.bias
        self.eps = norm.eps
        self.frames: ContextVar[Tensor | None] = ContextVar("frames", default=None)

    def forward(self, values: Tensor) -> Tensor:
        """(batch, channel, time) -> same."""
        count = values.shape[2]
        mask = torch.ones(len(values), count, device=values.device)
        if (frames := self.frames.get()) is not None:
            mask = (
                torch.arange(count, device=values.device) < frames.to(values.device)[:, None]
            ).float()
        mask = mask[:, None, :]
        total = mask.sum(dim=2, keepdim=True)
        exact = values.float()
        mean = (exact * mask).sum(dim=2, keepdim=True) / total
        centred = exact - mean
        variance = (centred.square() * mask).sum(dim=2, keepdim=True) / total
        scaled = (centred * torch.rsqrt(variance + self.eps)).to(values.dtype)
        return scaled * self.weight[:, None] + self.bias[:, None]


def with_valid_norm(model: Any) -> Any:
    """Replace the first convolution's group norm of a wav2vec 2.0 kind of model; layer-norm models
    stay as they are.
    """
    first = _first_convolution(model)
    # The layers of some networks have no norm, and no attribute for one.
    if isinstance(getattr(first, "layer_norm", None), nn.GroupNorm):
        first.layer_norm = ValidGroupNorm(first.layer_norm)
    return model


def _first_convolution(model: Any) -> Any:
    """The first layer over the waveform; None for a network of log-mel frames."""
    # The types of transformers do not say which networks have one.
    convolutions = getattr(model, "feature_extractor", None)
    return None if convolutions is None else convolutions.conv_layers[0]


@contextmanager
def valid_samples(model: Any, lengths: Tensor) -> Iterator[None]:
    """Tell the model's group norm how many samples (batch,) of each row are real, for the calls
    inside.
    """
    first = _first_convolution(model)
    norm = getattr(first, "layer_norm", None)
    if not isinstance(norm, ValidGroupNorm):
        yield
        return
    kernel, stride = first.conv.kernel_size[0], first.conv.stride[0]
    token = norm.frames.set(torch.div(lengths - kernel, stride, rounding_mode="floor") + 1)
    try:
        yield
    finally:
        norm.frames.reset(token)
