"""One speaker embedding per utterance: an X-vector network on top of a WavLM-like encoder, trained
on VoxCeleb.

Sources: Snyder et al., "X-vectors", ICASSP 2018; Chen et al., "WavLM", JSTSP 2022 (their speaker
verification model).

Differs: utterances are computed one by one, as padding would change the encoder's statistics; one
too short for the time-delay layers is followed by silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.networks.devices import Placement, place_of
from mmser.extractors.spectral.level import Level, levelled

_KINDS = ("wavlm", "wav2vec2", "unispeech-sat", "data2vec-audio", "wav2vec2-conformer")
"""Encoders under whose X-vector network transformers can read a checkpoint."""
_FRAME, _RECEPTIVE_FIELD = 320, 400
"""Samples between two frames of the encoder, and samples that one frame sees."""


@dataclass(frozen=True, kw_only=True)
class XVector(Placement):
    """waveform -> encoder (50 Hz) -> time-delay layers -> mean and deviation over time -> linear,
    (1, size).

    Further arguments are those of `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded two-layer network of the
            same output size.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        size: dimension of the embedding; another one in the checkpoint is an error.
        level: ``none`` (WavLM base) or ``zscore`` (mean 0, variance 1).
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[int] = SAMPLE_RATE

    weights: str = "microsoft/wavlm-base-plus-sv"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    size: int = 512
    level: Level = "none"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the speaker encoder")

    @property
    def feature_size(self) -> int:
        """Length of the vector."""
        return self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "xvector", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (1, size) float32 array per clip, whose one row spans the clip."""
        return each_waveform(clips, self._features)

    def _features(self, waveform: np.ndarray) -> Features:
        import torch

        device, dtype = place_of(self._model)
        prepared = levelled(waveform, self.level)
        prepared = np.pad(prepared, (0, max(0, self._shortest - len(prepared)))).astype(np.float32)
        with torch.inference_mode(), self.arithmetic():
            vector = self._model(torch.from_numpy(prepared)[None].to(device, dtype)).embeddings
        spans = np.array([[0.0, len(waveform) / SAMPLE_RATE]], dtype=np.float32)
        return Features(vector.float().cpu().numpy(), spans=spans)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForAudioXVector

        from mmser.models.layers.attention.gated_positions import with_fused_attention
        from mmser.models.layers.checkpoints.pretrained import read_network

        if self.checkpoint.is_random:
            model = self.seeded(self._random_model)
        else:
            remedy = (
                "Name a checkpoint trained to tell speakers, such as microsoft/wavlm-base-plus-sv."
            )
            model = read_network(AutoModelForAudioXVector, self.checkpoint.path, _KINDS, remedy)
        if model.config.xvector_output_dim != self.size:
            found = f"{model.config.xvector_output_dim} in {self.weights}"
            raise MmserError(
                f"a checkpoint with embeddings of size {self.size}", found, "Set `size`."
            )
        return self.placed(with_fused_attention(model))

    def _random_model(self) -> Any:
        from transformers import WavLMConfig, WavLMForXVector

        config = WavLMConfig(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=128,
            conv_dim=(32,) * 7,
            xvector_output_dim=self.size,
        )
        return WavLMForXVector(config)

    @property
    def _shortest(self) -> int:
        """Samples that leave two frames behind the time-delay layers: a deviation needs two."""
        config = self._model.config
        lost = sum(
            (k - 1) * d for k, d in zip(config.tdnn_kernel, config.tdnn_dilation, strict=True)
        )
        return (lost + 1) * _FRAME + _RECEPTIVE_FIELD
