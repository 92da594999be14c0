"""X-vector networks of transformers over batches, each row as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmser.extractors.networks.devices import place_of
from mmser.extractors.networks.packing import Packing
from mmser.extractors.networks.speech_encoder import SpeechEncoder, is_parted
from mmser.extractors.networks.transfers import sent
from mmser.models.layers.masks.padding import length_mask, zero_padding


class XVectorNetwork:
    """``model`` is a ``...ForXVector``, placed and in evaluation mode."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.sums_layers = bool(model.config.use_weighted_layer_sum)
        # The sum takes the last layer without the norm behind it.
        norms_last = getattr(model.config, "do_stable_layer_norm", False)
        apart = self.sums_layers and norms_last
        self.encoder = None
        if is_parted(model.base_model) and not apart:
            self.encoder = SpeechEncoder(model.base_model)
        self.takes_batches = self.encoder is not None
        self.lost = sum(
            (kernel - 1) * dilation
            for kernel, dilation in zip(
                model.config.tdnn_kernel, model.config.tdnn_dilation, strict=True
            )
        )
        """Frames that the time-delay layers take from the end."""

    def __call__(self, waveforms: Tensor, samples: Sequence[int]) -> Tensor:
        """(row, sample), valid samples of each -> embeddings (row, size)."""
        hidden, counts = self._frames(waveforms, samples)
        hidden = self.model.projector(hidden)
        for layer in self.model.tdnn:
            hidden = layer(hidden)
        # No layer pads: what reads padding lies behind a row's own frames.
        kept = sent([count - self.lost for count in counts], hidden.device)
        mask = length_mask(kept, hidden.shape[1])
        total = kept[:, None].to(hidden.dtype)
        mean = zero_padding(hidden, mask).sum(dim=1) / total
        squares = zero_padding((hidden - mean[:, None]).square(), mask).sum(dim=1)
        deviation = (squares / (total - 1)).sqrt()
        embeddings: Tensor = self.model.feature_extractor(torch.cat([mean, deviation], dim=-1))
        return embeddings

    def _frames(self, waveforms: Tensor, samples: Sequence[int]) -> tuple[Tensor, Sequence[int]]:
        """The frames that the time-delay layers read, (row, frame, size), and each row's count."""
        if self.encoder is None:
            _, dtype = place_of(self.model)
            output = self.model.base_model(
                waveforms.to(dtype), output_hidden_states=self.sums_layers
            )
            frames = output.last_hidden_state
            if self.sums_layers:
                frames = self._summed(torch.stack(output.hidden_states, dim=-2))
            return frames, [frames.shape[1]] * len(samples)
        steps, counts = self.encoder(waveforms, samples, "all" if self.sums_layers else -1)
        if self.sums_layers:
            steps = self._summed(steps)
        return Packing(counts, steps.device).padded(steps), counts

    def _summed(self, layers: Tensor) -> Tensor:
        """(..., layer, size) -> (..., size)."""
        weights = torch.softmax(self.model.layer_weights, dim=-1)
        return (layers * weights[:, None]).sum(dim=-2)
