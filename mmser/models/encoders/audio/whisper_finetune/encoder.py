"""Whisper's encoder, fine-tuned from the waveform; batching changes nothing.

Source: Radford et al., "Robust speech recognition via large-scale weak supervision", ICML 2023; the
network is transformers' own.

Differs: the encoder reads a window of 30 s whatever the sound's length. ``short_window`` pads sound
that fits into fewer seconds to these alone, which costs less. Longer sound is cut into windows of
30 s, one after the other; the frames of padding are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.models.encoders.audio.whisper_finetune.log_mel import WhisperLogMel
from mmser.models.layers.checkpoints.pretrained import freeze
from mmser.models.layers.checkpoints.tensors import load_tensors
from mmser.models.layers.checkpoints.trainable import prepare_training, rates_by_depth
from mmser.models.layers.checkpoints.whisper import REMEDY, renamed, unfit, whisper_tensors
from mmser.models.layers.masks.padding import length_mask

RATE = 16000
SECONDS = 30
WINDOW = SECONDS * RATE
"""Samples of Whisper's window."""
FRAME = 320
"""Samples of one frame of the encoder: 50 frames a second."""
_PLACED = "OpenAI's .pt file (`mmser weights get tiny.en` or `base` places one)"


class WhisperFinetune(nn.Module):
    """Waveform -> log-mel -> two convolutions -> transformer -> the states of its last layer.

    ``weights``: a .pt file of OpenAI, a folder of transformers, hub id, or ``random``, which takes
    ``configuration`` (of transformers' WhisperConfig). ``freeze_convolutions`` fixes what lies
    below the transformer; ``frozen_layers``, ``gradient_checkpointing`` and ``lora_...``: see
    `prepare_training`; ``lr_decay``: see `rates_by_depth`. Reads the extractor ``waveform``.
    """

    reads: ClassVar[StreamKind] = "waveform"

    def __init__(
        self,
        input_size: int,
        weights: str,
        revision: str | None = None,
        weights_folder: str = "weights",
        configuration: Mapping[str, Any] | None = None,
        short_window: float | None = None,
        freeze_convolutions: bool = True,
        frozen_layers: int = 0,
        lr_decay: float = 1.0,
        gradient_checkpointing: bool = False,
        lora_rank: int | None = None,
        lora_alpha: int = 16,
        lora_dropout: float = 0.0,
        lora_targets: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        if short_window is not None and not 0 < short_window <= SECONDS:
            expected = f"short_window of more than 0 and at most {SECONDS} seconds, or null"
            raise MmserError(expected, f"{short_window}", "Correct the encoder's argument.")
        # Whole frames.
        self.short = -(-round((short_window or SECONDS) * RATE) // FRAME) * FRAME
        self.network = _network(weights, revision, weights_folder, configuration)
        self.log_mel = WhisperLogMel(self.network.config.num_mel_bins)
        self.output_size: int = self.network.config.d_model
        self.lr_decay = lr_decay
        if freeze_convolutions:
            freeze(self.network.conv1)
            freeze(self.network.conv2)
        prepare_training(
            self.network,
            weights,
            frozen_layers,
            gradient_checkpointing,
            lora_rank,
            lora_alpha,
            lora_dropout,
            lora_targets,
        )

    def learning_rates(self) -> Mapping[str, float]:
        """Shares of the learning rate, falling with depth."""
        return rates_by_depth(self, self.network, self.lr_decay)

    def forward(self, stream: Stream) -> Stream:
        """(batch, sample) or (batch, sample, 1) at 16 kHz -> (batch, frame, output_size).

        There is one frame per 20 ms; the last may hold some padding.
        """
        sound, lengths = stream.filled().flatten(1), stream.lengths
        frames = -(-sound.shape[1] // FRAME)
        states = sound.new_zeros(len(sound), frames, self.output_size)
        for start in range(0, sound.shape[1], WINDOW):
            left = lengths - start
            for samples, rows in self._windows(left):
                piece = sound[rows, start : start + samples]
                encoded = self._encoded(F.pad(piece, (0, samples - piece.shape[1])))
                first = start // FRAME
                last = min(first + encoded.shape[1], frames)
                states[rows, first:last] = encoded[:, : last - first].to(states.dtype)
        mask = length_mask(-(-lengths // FRAME), frames)
        return Stream(states.masked_fill(~mask[..., None], 0.0), mask)

    def _windows(self, left: Tensor) -> list[tuple[int, Tensor]]:
        """Samples of a window, and the rows (row,) that take it; ``left`` (batch,) remain."""
        short = (left > 0) & (left <= self.short)
        long = left > self.short
        chosen = ((self.short, short), (WINDOW, long))
        return [(samples, rows.nonzero().flatten()) for samples, rows in chosen if rows.any()]

    def _encoded(self, sound: Tensor) -> Tensor:
        """Windows (row, sample) -> (row, frame, size)."""
        network = self.network
        hidden = F.gelu(network.conv2(F.gelu(network.conv1(self.log_mel(sound)))))
        hidden = hidden.transpose(1, 2)  # (row, frame, size)
        hidden = hidden + network.embed_positions.weight[: hidden.shape[1]]
        hidden = F.dropout(hidden, network.dropout, self.training)
        for layer in network.layers:
            hidden = layer(hidden, None)
        return network.layer_norm(hidden)


def _network(
    weights: str, revision: str | None, folder: str, configuration: Mapping[str, Any] | None
) -> Any:
    """transformers' encoder, no larger than what the checkpoint holds."""
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    download = _PLACED if weights.endswith(".pt") else None
    source = Weights(weights, revision, folder, "the Whisper encoder", download)
    if source.is_random:
        return WhisperEncoder(WhisperConfig(**(configuration or {})))
    path = source.path
    tensors, heads = whisper_tensors(path)
    try:
        convolution, positions = tensors["conv1.weight"], tensors["positional_embedding"]
        hidden = tensors["blocks.0.mlp.0.weight"].shape[0]
    except KeyError as error:
        raise unfit(path, f"no {error}") from error
    config = WhisperConfig(
        num_mel_bins=convolution.shape[1],
        d_model=convolution.shape[0],
        encoder_layers=len({n.split(".")[1] for n in tensors if n.startswith("blocks.")}),
        encoder_attention_heads=heads,
        encoder_ffn_dim=hidden,
        max_source_positions=positions.shape[0],
    )
    network = WhisperEncoder(config)
    theirs = renamed(tensors, to_transformers=True)
    load_tensors(network, theirs, "a Whisper encoder", path, REMEDY)
    return network
