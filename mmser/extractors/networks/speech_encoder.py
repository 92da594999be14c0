"""Networks of the wav2vec 2.0 family over batches, each row as if it were alone.

`SpeechEncoder` runs those whose frames a batch can leave alone: its own convolutions, then
transformers' own layers, only as many as are asked for, over rows that are packed one after
another, without padding. `WholeNetwork` runs the others as transformers does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from mmser.core.errors import MmserError
from mmser.extractors.networks.devices import place_of
from mmser.extractors.networks.packed_attention import with_packed_attention
from mmser.extractors.networks.packing import Packing
from mmser.extractors.networks.position_blocks import Positions
from mmser.extractors.networks.transfers import packed, sent
from mmser.extractors.networks.wave_convolutions import WaveConvolutions
from mmser.models.layers.attention.gated_positions import with_fused_attention
from mmser.models.layers.masks.padding import length_mask

LayerChoice = int | Literal["all"]

MEL = "wav2vec2-bert"
"""The one network that reads log-mel frames."""
MEL_STEP = 320
"""Samples from one step of wav2vec2-BERT to the next: two log-mel frames, 10 ms apart."""
_PARTED = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio")
"""Convolutions, a projection, convolutions of positions, layers: nothing else reads time."""


def speech_encoder(network: Any) -> SpeechEncoder | WholeNetwork:
    """Whichever runs ``network``, which is placed."""
    return SpeechEncoder(network) if is_parted(network) else WholeNetwork(network)


def is_parted(network: Any) -> bool:
    """Whether `SpeechEncoder` runs it."""
    return network.config.model_type in _PARTED


class SpeechEncoder:
    """``network`` is one of transformers, placed and in evaluation mode.

    Its attentions are replaced: nothing else may run it afterwards.
    """

    def __init__(self, network: Any) -> None:
        self.network = with_packed_attention(with_fused_attention(network))
        self.convolutions = WaveConvolutions(network.feature_extractor)
        self.takes_batches = self.packs = True
        self.positions = Positions(network.encoder.pos_conv_embed)

    def __call__(
        self, waveforms: Tensor, samples: Sequence[int], layer: LayerChoice
    ) -> tuple[Tensor, list[int]]:
        """(row, sample) on the network's device, valid samples of each row.

        Gives (frame, [layer,] size), all rows one after another, and the frames of each.
        """
        counts = [self.convolutions.frame_count(length) for length in samples]
        packing = Packing(counts, *place_of(self.network))
        features, starts = self.convolutions(waveforms, samples)
        own = torch.cat(
            [torch.arange(count) + start for count, start in zip(counts, starts, strict=True)]
        )
        features = features.index_select(0, sent(own, waveforms.device))
        # Some networks give the normed features beside them, for their pre-training.
        projected = self.network.feature_projection(features)
        hidden = projected[0] if isinstance(projected, tuple) else projected
        return self._layers(hidden + self.positions(hidden, packing), packing, layer), counts

    def _layers(self, hidden: Tensor, packing: Packing, layer: LayerChoice) -> Tensor:
        encoder = self.network.encoder
        norms_last = getattr(self.network.config, "do_stable_layer_norm", False)
        if not norms_last:
            hidden = encoder.layer_norm(hidden)
        wanted = _wanted(layer, len(encoder.layers))
        kept = [hidden]
        bias = None
        for block in encoder.layers[: wanted if isinstance(wanted, int) else None]:
            if self.network.config.model_type == "wavlm":
                hidden, bias = block(hidden, attention_mask=packing, position_bias=bias)
            else:
                hidden = block(hidden, attention_mask=packing)
            if wanted == "all":
                kept.append(hidden)
        if norms_last and wanted in ("all", len(encoder.layers)):
            hidden = encoder.layer_norm(hidden)
        return torch.stack([*kept[:-1], hidden], dim=1) if wanted == "all" else hidden


class WholeNetwork:
    """A network of transformers through its own `forward`.

    Of the log-mel network rows are (step, two frames) and ``samples`` are steps.
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        # In the others padding reaches the frames of an utterance (strided or stacked
        # convolutions).
        self.takes_batches = network.config.model_type == MEL
        self.packs = False

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
        return packed(self._layers(output, layer), counts), counts

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
