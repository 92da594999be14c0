"""One speaker embedding per utterance: an X-vector network on top of a WavLM-like encoder, trained
on VoxCeleb.

Sources: Snyder et al., "X-vectors", ICASSP 2018; Chen et al., "WavLM", JSTSP 2022 (their speaker
verification model).

Differs: an utterance too short for the time-delay layers is followed by silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Features
from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.speech_recipe import SpeechNetwork
from mmser.extractors.spectral.level import ROW_LEVELS, Level, levelled_before

if TYPE_CHECKING:
    from torch import Tensor

    from mmser.extractors.networks.xvector import XVectorNetwork

_KINDS = ("wavlm", "wav2vec2", "unispeech-sat", "data2vec-audio", "wav2vec2-conformer")
"""Encoders under whose X-vector network transformers can read a checkpoint."""
_FRAME, _RECEPTIVE_FIELD = 320, 400
"""Samples between two frames of the encoder, and samples that one frame sees."""


@dataclass(frozen=True, kw_only=True)
class XVector(SpeechNetwork):
    """waveform -> encoder (50 Hz) -> time-delay layers -> mean and deviation over time -> linear,
    (1, size).

    Further arguments are those of `mmser.extractors.networks.speech_recipe.SpeechNetwork`.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded two-layer network of the
            same output size.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        size: dimension of the embedding; another one in the checkpoint is an error.
        level: ``none`` (WavLM base) or ``zscore`` (mean 0, variance 1).
    """

    dtype: ClassVar[str] = "float32"
    version: ClassVar[int] = 1

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

    @property
    def _batching(self) -> Mapping[str, Any]:
        batches = self._network.takes_batches
        return {"seconds": self.batch_seconds if batches else 0.0, "packs": batches}

    def _parts(self, waveform: np.ndarray) -> list[np.ndarray]:
        return [levelled_before(waveform, self.level)]

    def _encode(self, rows: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
        """Waveforms (row, sample) -> (row, size), one step of each."""
        from mmser.extractors.networks.row_levels import levelled_rows, padded_rows

        if self.level in ROW_LEVELS:
            rows = levelled_rows(rows, lengths, self.level)
        vectors = self._network(*padded_rows(rows, lengths, self._shortest))
        return vectors, [1] * len(lengths)

    @cached_property
    def _network(self) -> XVectorNetwork:
        from mmser.extractors.networks.xvector import XVectorNetwork

        return XVectorNetwork(self._model)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForAudioXVector

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
        return self.placed(model)

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
        return (self._network.lost + 1) * _FRAME + _RECEPTIVE_FIELD

    def _features(self, parts: list[np.ndarray], samples: int) -> Features:
        (vector,) = parts
        return Features(vector, spans=np.array([[0.0, samples / SAMPLE_RATE]], dtype=np.float32))
