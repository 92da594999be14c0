"""The convolutions of the wav2vec 2.0 family over a padded batch, each row as if it were alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.models.layers.convolution.normalisation import masked_group_norm
from mmser.models.layers.masks.padding import length_mask


def convolved(extractor: Any, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """(batch, sample), samples (batch,) -> (batch, frame, channel) and the mask of real frames.

    ``extractor`` is the ``feature_extractor`` of the network. A row with any sample has at least
    one frame.
    """
    shortest = receptive_field(extractor)
    hidden = F.pad(waveform, (0, max(0, shortest - waveform.shape[1])))[:, None]
    present = lengths > 0
    for layer in extractor.conv_layers:
        kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
        lengths = torch.where(present, ((lengths - kernel) // stride + 1).clamp(min=1), 0)
        hidden = _layer(layer, hidden, lengths)
    return hidden.transpose(1, 2), length_mask(lengths, hidden.shape[2])


def receptive_field(extractor: Any) -> int:
    """Samples that one output frame sees (400 for the published models)."""
    samples = 1
    for layer in reversed(extractor.conv_layers):
        samples = (samples - 1) * layer.conv.stride[0] + layer.conv.kernel_size[0]
    return samples


def _layer(layer: Any, hidden: Tensor, lengths: Tensor) -> Tensor:
    # Only the first layer of a base model has a group norm, later ones may have no norm at all.
    norm = getattr(layer, "layer_norm", None)
    if not isinstance(norm, nn.GroupNorm):
        return layer(hidden)
    hidden = layer.conv(hidden)
    mask = length_mask(lengths, hidden.shape[2])
    return layer.activation(
        masked_group_norm(hidden, mask, norm.num_groups, norm.weight, norm.bias, norm.eps)
    )
