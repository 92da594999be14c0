"""Networks of the wav2vec 2.0 family over batches, each row as if it were alone.

`SpeechEncoder` runs those whose frames a batch can leave alone: its own convolutions, then
transformers' own layers, only as many as are asked for, with one mask made once. `WholeNetwork`
runs the others as transformers does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from mmser.core.errors import MmserError
from mmser.extractors.networks.devices import place_of
from mmser.extractors.networks.transfers import sent
from mmser.extractors.networks.wave_convolutions import WaveConvolutions
from mmser.models.layers.attention.gated_positions import with_fused_attention
from mmser.models.layers.masks.padding import length_mask, zero_padding

LayerChoice = int | Literal["all"]

MEL = "wav2vec2-bert"
"""The one network that reads log-mel frames."""
MEL_STEP = 320
"""Samples from one step of wav2vec2-BERT to the next: two log-mel frames, 10 ms apart."""
_PARTED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")
"""Convolutions, a projection, one convolution of positions, layers: nothing else reads time."""
_TILE = 8
"""Frames on a GPU are a multiple of it: its kernels want aligned masks."""


def speech_encoder(network: Any) -> SpeechEncoder | WholeNetwork:
    """Whichever runs ``network``, which is placed."""
    config = network.config
    # A batch norm before the positions (some HuBERT) makes padding more than zeros.
    normed = getattr(config, "conv_pos_batch_norm", False)
    is_parted = config.model_type in _PARTED and not normed
    return SpeechEncoder(network) if is_parted else WholeNetwork(network)


class SpeechEncoder:
    """``network`` is one of transformers, placed and in evaluation mode."""

    def __init__(self, network: Any) -> None:
        self.network = with_fused_attention(network)
        self.convolutions = WaveConvolutions(network.feature_extractor)
        self.takes_batches = True

    def __call__(
        self, waveforms: Tensor, samples: Sequence[int], layer: LayerChoice
    ) -> tuple[Tensor, list[int]]:
        """(batch, sample) on the network's device, valid samples of each row.

        Gives (batch, frame, [layer,] size) and the frames of each row.
        """
        device, _ = place_of(self.network)
        counts = [self.convolutions.frame_count(length) for length in samples]
        tile = _TILE if device.type == "cuda" else 1
        frames = -(-max(counts) // tile) * tile
        hidden = self._projected(waveforms, samples, frames)
        mask = None
        if min(counts) < frames:
            real = sent(counts, device)
            mask = length_mask(real, frames)
            hidden = zero_padding(hidden, mask)
        encoder = self.network.encoder
        hidden = hidden + encoder.pos_conv_embed(hidden)
        return self._layers(hidden, mask, layer), counts

    def _projected(self, waveforms: Tensor, samples: Sequence[int], frames: int) -> Tensor:
        """(batch, sample) -> (batch, frame, size)."""
        stride = self.convolutions.stride
        # The last frame of a row reads beyond its stride.
        whole = max(frames * stride, -(-waveforms.shape[1] // stride) * stride)
        padded = torch.nn.functional.pad(waveforms, (0, whole - waveforms.shape[1]))
        counts = sent(samples, waveforms.device)
        features = self.convolutions(padded, counts)[:, :frames]
        # Some networks give the normed features beside them, for their pre-training.
        projected = self.network.feature_projection(features)
        return projected[0] if isinstance(projected, tuple) else projected

    def _layers(self, hidden: Tensor, mask: Tensor | None, layer: LayerChoice) -> Tensor:
        encoder = self.network.encoder
        added = None if mask is None else _added(mask, hidden.dtype)
        norms_last = getattr(self.network.config, "do_stable_layer_norm", False)
        if not norms_last:
            hidden = encoder.layer_norm(hidden)
        blocks = encoder.layers
        wanted = _wanted(layer, len(blocks))
        kept = [hidden]
        bias = None
        for block in blocks[: wanted if isinstance(wanted, int) else len(blocks)]:
            if self.network.config.model_type == "wavlm":
                hidden, bias = block(hidden, attention_mask=added, position_bias=bias)
            else:
                hidden = block(hidden, attention_mask=added)
            if wanted == "all":
                kept.append(hidden)
        if norms_last and wanted in ("all", len(blocks)):
            hidden = encoder.layer_norm(hidden)
        if wanted != "all":
            return hidden
        return torch.stack([*kept[:-1], hidden], dim=2)


class WholeNetwork:
    """A network of transformers through its own `forward`.

    Of the log-mel network rows are (step, two frames) and ``samples`` are steps.
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        # In the others padding reaches the frames of an utterance (strided or stacked
        # convolutions).
        self.takes_batches = network.config.model_type == MEL

    def __call__(
        self, waveforms: Tensor, samples: Sequence[int], layer: LayerChoice
    ) -> tuple[Tensor, list[int]]:
        """See `SpeechEncoder`."""
        device, dtype = place_of(self.network)
        real = sent(samples, device)
        mask = length_mask(real, waveforms.shape[1]).long()
        output = self.network(
            waveforms.to(dtype), attention_mask=mask, output_hidden_states=layer != -1
        )
        counts = list(samples)
        if self.network.config.model_type != MEL:
            lengths = torch.tensor(samples)
            counts = self.network._get_feat_extract_output_lengths(lengths).tolist()
        return self._layers(output, layer), counts

    def _layers(self, output: Any, layer: LayerChoice) -> Tensor:
        last: Tensor = output.last_hidden_state
        if layer == -1:
            return last
        layers = (*output.hidden_states[:-1], last)
        if layers[0].shape[1] != last.shape[1]:
            raise MmserError(
                f"layer=-1 for {self.network.config.model_type}, whose layers run at a lower rate "
                "than its frames",
                f"layer={layer}",
                "Leave layer=-1, or name another network.",
            )
        wanted = _wanted(layer, len(layers) - 1)
        return torch.stack(layers, dim=2) if wanted == "all" else layers[wanted]


def _wanted(layer: LayerChoice, count: int) -> int | Literal["all"]:
    """The layer from 0 (the first one's input) to ``count``."""
    if layer == "all":
        return "all"
    if not -count - 1 <= layer <= count:
        raise MmserError(
            f"a layer from 0 to {count} (or -1, or all)", f"layer={layer}", "Choose one of them."
        )
    return layer % (count + 1)


def _added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """(batch, key) -> what is added to every query's attention weights, (batch, 1, 1, key)."""
    added = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return added.masked_fill(~mask, -torch.inf)[:, None, None]
