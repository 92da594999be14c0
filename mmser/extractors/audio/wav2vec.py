"""Context features of wav2vec 1.0, 512 values every 10 ms (Schneider et al., Interspeech 2019).

Not wav2vec 2.0: no Transformer, and no class in transformers. The published fairseq file is read directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.errors import MmserError
from mmser.extractors.devices import Precision, place_of, placed, seeded
from mmser.extractors.outcomes import each_waveform
from mmser.extractors.weights import digest, is_random, local_weights, tensors_of

_NO_EFFECT = ("device",)
_SIZE = 512
_DOWNLOAD = "https://dl.fbaipublicfiles.com/fairseq/wav2vec/wav2vec_large.pt"


@dataclass(frozen=True)
class Wav2Vec:
    """waveform -> convolutions -> causal context convolutions, (time, 512) at 100 Hz; each utterance runs alone.

    Args:
        weights: the published ``wav2vec_large.pt`` (or its tensors as .safetensors), or ``random``: the same network,
            seeded.
        precision: ``bfloat16`` trades accuracy for speed.
        device: ``auto``, ``cpu``, ``cuda``.
        seed: of random weights.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float16"
    feature_size: ClassVar[int] = _SIZE

    weights: str = "weights/wav2vec_large.pt"
    precision: Precision = "float32"
    device: str = "auto"
    seed: int = 0

    @property
    def random_weights(self) -> bool:
        """Whether the features mean nothing."""
        return is_random(self.weights)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the weights by their digest."""
        kept = {name: value for name, value in asdict(self).items() if name not in _NO_EFFECT}
        weights = self.weights if self.random_weights else f"sha256:{digest(self._path)}"
        return {"extractor": "wav2vec", **kept, "weights": weights}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, 512) float32 array per clip."""
        return each_waveform(clips, self._features)

    @property
    def _path(self) -> Any:
        return local_weights(self.weights, "wav2vec 1.0 large", _DOWNLOAD)

    @cached_property
    def _network(self) -> Any:
        from mmser.extractors.wav2vec_network import Wav2VecNetwork

        network = seeded(lambda: Wav2VecNetwork(_SIZE), self.seed)
        if not self.random_weights:
            known = network.state_dict()
            found = {name: tensor for name, tensor in tensors_of(self._path).items() if name in known}
            if found.keys() != known.keys():
                raise MmserError(
                    f"the {len(known)} tensors of wav2vec 1.0 large in {self.weights}",
                    f"{len(found)} of them",
                    f"Download {_DOWNLOAD}.",
                )
            network.load_state_dict(found)
        return placed(network, self.device, self.precision)

    def _features(self, waveform: np.ndarray) -> Features:
        import torch

        from mmser.extractors.wav2vec_network import RECEPTIVE_FIELD, STRIDE

        device, dtype = place_of(self._network)
        padded = np.pad(waveform, (0, max(0, RECEPTIVE_FIELD - len(waveform))))
        with torch.inference_mode():
            values = self._network(torch.from_numpy(padded)[None].to(device, dtype))[0]
        return Features(values.float().cpu().numpy(), frame_rate=SAMPLE_RATE / STRIDE)
