"""Context features of wav2vec 1.0, 512 values every 10 ms (Schneider et al., Interspeech 2019).

Not wav2vec 2.0: no Transformer, and no class in transformers. The published fairseq file is read
directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.extractors.arguments import arguments
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.networks.devices import Placement, place_of

_UNUSED = ("wav2vec_predictions.*",)
"""The projections that guess the frames to come, in training alone."""
_SIZE = 512
_DOWNLOAD = "https://dl.fbaipublicfiles.com/fairseq/wav2vec/wav2vec_large.pt"


@dataclass(frozen=True, kw_only=True)
class Wav2Vec(Placement):
    """waveform -> convolutions -> causal context convolutions, (time, 512) at 100 Hz; each
    utterance runs alone.

    Further arguments are those of `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: the published ``wav2vec_large.pt`` (or its tensors as .safetensors), or ``random``:
            the same network, seeded.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float16"
    feature_size: ClassVar[int] = _SIZE
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[int] = SAMPLE_RATE

    weights: str = "weights/wav2vec_large.pt"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, what="wav2vec 1.0 large", download=_DOWNLOAD)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the weights by their digest."""
        return {"extractor": "wav2vec", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, 512) float32 array per clip."""
        return each_waveform(clips, self._features)

    @cached_property
    def _network(self) -> Any:
        from mmser.extractors.networks.wav2vec import Wav2VecNetwork
        from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors

        network = self.seeded(lambda: Wav2VecNetwork(_SIZE))
        if not self.checkpoint.is_random:
            path = self.checkpoint.path
            remedy = f"Download {_DOWNLOAD}; the extractor wav2vec2 reads wav2vec 2.0."
            load_tensors(
                network, read_tensors(path), "wav2vec 1.0 large", path, remedy, unused=_UNUSED
            )
        return self.placed(network)

    def _features(self, waveform: np.ndarray) -> Features:
        import torch

        from mmser.extractors.networks.wav2vec import RECEPTIVE_FIELD, STRIDE

        device, dtype = place_of(self._network)
        padded = np.pad(waveform, (0, max(0, RECEPTIVE_FIELD - len(waveform))))
        with torch.inference_mode(), self.arithmetic():
            values = self._network(torch.from_numpy(padded)[None].to(device, dtype))[0]
        return Features(values.float().cpu().numpy(), frame_rate=SAMPLE_RATE / STRIDE)
