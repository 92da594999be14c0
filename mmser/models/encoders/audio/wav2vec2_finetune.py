"""wav2vec 2.0, fine-tuned from the waveform; batching changes nothing.

Source: Baevski, Zhou, Mohamed, Auli, "wav2vec 2.0", NeurIPS 2020; the network is transformers' own.

Differs:
    The group norm of the base models' first convolution takes its statistics from each utterance's
    real frames, and attention masks padding, so that an utterance's result is the same in any batch
    (without this, padding changes it by tens of per cent). No LayerDrop and no masking of the
    latent frames unless asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.models.layers.checkpoints.pretrained import check_layers, freeze, pretrained
from mmser.models.layers.convolution.normalisation import masked_group_norm
from mmser.models.layers.masks.latent_masking import LatentMasking
from mmser.models.layers.masks.padding import length_mask, zero_padding


class Wav2Vec2Finetune(nn.Module):
    """Waveform -> convolutions (20 ms) -> transformer; the states of the last layer come out.

    ``frozen_layers`` transformer layers from the bottom stay fixed; ``freeze_convolutions`` and
    ``freeze_projection`` fix what lies below. See `pretrained` for ``weights``. Base checkpoints
    want the waveform with mean 0 and variance 1 per utterance (the extractor ``waveform_zscore``).
    ``masking`` hides latent frames in training behind the vector that pre-training hid them behind,
    which goes on learning.
    """

    reads: ClassVar[StreamKind] = "waveform"

    def __init__(
        self,
        input_size: int,
        weights: str,
        revision: str | None = None,
        weights_folder: str = "weights",
        configuration: Mapping[str, Any] | None = None,
        freeze_convolutions: bool = True,
        freeze_projection: bool = False,
        frozen_layers: int = 0,
        layer_drop: float = 0.0,
        masking: LatentMasking | None = None,
    ) -> None:
        super().__init__()
        from transformers import Wav2Vec2Model

        network: Any = pretrained(Wav2Vec2Model, weights, revision, weights_folder, configuration)
        check_layers(frozen_layers, len(network.encoder.layers), weights)
        network.config.layerdrop = layer_drop
        self.output_size: int = network.config.hidden_size
        self.masking = masking
        if masking is None or not masking.hides_frames:
            network.masked_spec_embed = None  # it would never get a gradient
        # A checkpoint that was trained without masking has no such vector.
        elif getattr(network, "masked_spec_embed", None) is None:
            network.masked_spec_embed = nn.Parameter(torch.rand(self.output_size))
        self.network = network
        if freeze_convolutions:
            freeze(network.feature_extractor)
        if freeze_projection:
            freeze(network.feature_projection)
        for layer in network.encoder.layers[:frozen_layers]:
            freeze(layer)

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample) or (batch, sample, 1) at 16 kHz -> (batch, frame, output_size).

        There is one frame per 20 ms.
        """
        waveform = stream.filled().flatten(1)
        features, mask = self._convolved(waveform, stream.lengths)
        hidden, _ = self.network.feature_projection(features)
        if self.masking is not None:
            hidden = self.masking(hidden, mask, self.network.masked_spec_embed)
        # An absent utterance attends over its zeros: a row without any key has no softmax.
        attended = mask | ~mask.any(dim=1, keepdim=True)
        hidden = self.network.encoder(
            zero_padding(hidden, mask), attention_mask=attended
        ).last_hidden_state
        return Stream(zero_padding(hidden, mask), mask)

    def _convolved(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, sample) -> (batch, frame, channel) and the mask of real frames.

        A row with any sample has at least one frame.
        """
        hidden = F.pad(waveform, (0, max(0, self._receptive_field() - waveform.shape[1])))[:, None]
        present = lengths > 0
        for layer in self.network.feature_extractor.conv_layers:
            kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
            lengths = torch.where(present, ((lengths - kernel) // stride + 1).clamp(min=1), 0)
            hidden = self._layer(layer, hidden, lengths)
        return hidden.transpose(1, 2), length_mask(lengths, hidden.shape[2])

    @staticmethod
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

    def _receptive_field(self) -> int:
        """Samples that one output frame sees (400 for the published models)."""
        samples = 1
        for layer in reversed(self.network.feature_extractor.conv_layers):
            samples = (samples - 1) * layer.conv.stride[0] + layer.conv.kernel_size[0]
        return samples
