"""A network of the wav2vec 2.0 family, fine-tuned from the waveform; batching changes nothing.

Sources: wav2vec 2.0 (Baevski et al., NeurIPS 2020), HuBERT (Hsu et al., TASLP 2021), WavLM (Chen et
al., JSTSP 2022), data2vec (Baevski et al., ICML 2022), UniSpeech-SAT (Chen et al., ICASSP 2022),
wav2vec2-BERT (Barrault et al., "Seamless", 2023); the networks are transformers' own.

Differs:
    The group norm of the base models' first convolution takes its statistics from each utterance's
    real frames, padding is zeroed between stacked convolutions of positions, and attention masks
    it, so that an utterance's result is the same in any batch (without this, padding changes it by
    tens of per cent). No LayerDrop and no masking of the latent frames unless asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.speech_finetune.positions import masked_positions
from mmser.models.encoders.audio.speech_finetune.wave_convolutions import convolved
from mmser.models.layers.attention.gated_positions import with_fused_attention
from mmser.models.layers.checkpoints.pretrained import freeze, pretrained_kind
from mmser.models.layers.checkpoints.trainable import prepare_training, rates_by_depth
from mmser.models.layers.masks.latent_masking import LatentMasking
from mmser.models.layers.masks.padding import zero_padding
from mmser.models.layers.time.filter_bank import FilterBank

Kind = Literal[
    "wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat", "wav2vec2-bert"
]


class SpeechFinetune(nn.Module):
    """Waveform -> convolutions (20 ms) -> transformer; the states of the last layer come out.

    ``model_type`` is the kind of network that the checkpoint ``weights`` must hold (see
    `pretrained_kind`). wav2vec2-BERT has a filter bank in place of the convolutions. Most
    checkpoints want the waveform with mean 0 and variance 1 per utterance (the extractor
    ``waveform_zscore``), WavLM base as it is (``waveform``).

    ``freeze_convolutions`` and ``freeze_projection`` fix what lies below the transformer;
    ``frozen_layers``, ``gradient_checkpointing`` and ``lora_...``: see `prepare_training`;
    ``lr_decay``: see `rates_by_depth`. ``masking`` hides latent frames in training behind the
    vector that pre-training hid them behind, which goes on learning.
    """

    reads: ClassVar[StreamKind] = "waveform"

    def __init__(
        self,
        input_size: int,
        weights: str,
        model_type: Kind = "wav2vec2",
        revision: str | None = None,
        weights_folder: str = "weights",
        configuration: Mapping[str, Any] | None = None,
        freeze_convolutions: bool = True,
        freeze_projection: bool = False,
        frozen_layers: int = 0,
        layer_drop: float = 0.0,
        masking: LatentMasking | None = None,
        lr_decay: float = 1.0,
        gradient_checkpointing: bool = False,
        lora_rank: int | None = None,
        lora_alpha: int = 16,
        lora_dropout: float = 0.0,
        lora_targets: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        network = pretrained_kind(model_type, weights, revision, weights_folder, configuration)
        if getattr(network, "adapter", None) is not None:
            expected = "a speech encoder without convolutions after its layers (add_adapter)"
            raise MmserError(expected, weights, "Name the checkpoint it was fine-tuned from.")
        network.config.layerdrop = layer_drop
        self.output_size: int = network.config.hidden_size
        self.network = with_fused_attention(network)
        self.positions = masked_positions(network)
        self.filter_bank = FilterBank() if model_type == "wav2vec2-bert" else None
        self.lr_decay = lr_decay
        if freeze_convolutions and self.filter_bank is None:
            freeze(network.feature_extractor)
        if freeze_projection:
            freeze(network.feature_projection)
        prepare_training(
            network,
            weights,
            frozen_layers,
            gradient_checkpointing,
            lora_rank,
            lora_alpha,
            lora_dropout,
            lora_targets,
        )
        self.masking = masking
        self._set_masking_vector()

    def _set_masking_vector(self) -> None:
        network = self.network
        if self.masking is None or not self.masking.hides_frames:
            network.masked_spec_embed = None  # it would never get a gradient
        # A checkpoint that was trained without masking has no such vector.
        elif getattr(network, "masked_spec_embed", None) is None:
            network.masked_spec_embed = nn.Parameter(torch.rand(self.output_size))
        else:
            network.masked_spec_embed.requires_grad_(True)

    def learning_rates(self) -> Mapping[str, float]:
        """Shares of the learning rate, falling with depth."""
        return rates_by_depth(self, self.network, self.lr_decay)

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample) or (batch, sample, 1) at 16 kHz -> (batch, frame, output_size).

        There is one frame per 20 ms.
        """
        waveform = stream.filled().flatten(1)
        if self.filter_bank is not None:
            features, mask = self.filter_bank(waveform, stream.lengths)
        else:
            features, mask = convolved(self.network.feature_extractor, waveform, stream.lengths)
        hidden = self._projected(features)
        if self.masking is not None:
            hidden = self.masking(hidden, mask, self.network.masked_spec_embed)
        hidden = zero_padding(hidden, mask)
        if self.positions is not None:
            hidden = hidden + self.positions(hidden, mask)
        # An absent utterance attends over its zeros: a row without any key has no softmax.
        attended = mask | ~mask.any(dim=1, keepdim=True)
        hidden = self.network.encoder(hidden, attention_mask=attended).last_hidden_state
        return Stream(zero_padding(hidden, mask), mask)

    def _projected(self, features: Tensor) -> Tensor:
        """(batch, frame, channel) -> (batch, frame, output_size)."""
        # Some networks give the normed features beside them, for their pre-training.
        projected = self.network.feature_projection(features)
        return projected[0] if isinstance(projected, tuple) else projected
