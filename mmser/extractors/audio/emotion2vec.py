"""Features of emotion2vec from its published file: 50 frames per second, their statistics over
time, or one vector or a few per utterance.

Source: Ma et al., "emotion2vec: self-supervised pre-training for speech emotion representation",
ACL Findings 2024. The network is the encoder ``emotion2vec``; cached, it runs once and not in every
epoch of a probe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Features
from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.extractors.arguments import LATER, arguments
from mmser.extractors.networks.devices import place_of
from mmser.extractors.networks.sizes import check_size
from mmser.extractors.networks.speech_recipe import SpeechNetwork, summed_up
from mmser.extractors.spectral.level import ROW_LEVELS, Level, levelled_before

if TYPE_CHECKING:
    from torch import Tensor


_FRAME_RATE = 50.0
_DOWNLOAD = "emotion2vec_base.pt of the model emotion2vec/emotion2vec_base on the model hub"


@dataclass(frozen=True, kw_only=True)
class Emotion2Vec(SpeechNetwork):
    """waveform -> normalised -> convolutions -> Transformer, (frame, size), (1, size) or (token,
    size).

    Further arguments are those of `mmser.extractors.networks.speech_recipe.SpeechNetwork`.

    Args:
        weights: the published ``emotion2vec_base.pt`` or one of its successors (or the tensors as
            .safetensors); the file says how large the network is. ``random``: a seeded network of
            two blocks.
        size: feature dimension; another one in the file is an error.
        embedding: ``frames``; ``utterance``, the mean of the utterance's tokens; ``mean``, that of
            its frames, which the released code calls utterance; ``chunk``, the tokens themselves.
        level: ``zscore`` (mean 0, variance 1) or ``none``, where a file was trained without.
        statistics: mean and standard deviation over time, (1, 2 size), in place of frames.
    """

    version: ClassVar[int] = 1

    weights: str = "weights/emotion2vec_base.pt"
    size: int = 768
    embedding: Literal["frames", "utterance", "mean", "chunk"] = "frames"
    level: Level = "zscore"
    statistics: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        if self.statistics and self.embedding != "frames":
            raise MmserError(
                "embedding=frames for statistics over time",
                f"embedding={self.embedding}",
                "Correct the extractor's arguments.",
            )

    @property
    def dtype(self) -> str:
        """Frames fit into float16; statistics are few and stay exact."""
        return "float32" if self.statistics else "float16"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, what="emotion2vec", download=_DOWNLOAD)

    @property
    def feature_size(self) -> int:
        """Length of the last axis of the output."""
        return 2 * self.size if self.statistics else self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the weights by their digest."""
        return {"extractor": "emotion2vec", **arguments(self), **self.checkpoint.facts}

    @cached_property
    def _network(self) -> Any:
        from mmser.models.encoders.audio.emotion2vec.encoder import from_checkpoint

        if self.checkpoint.is_random:
            network = self.seeded(self._random_network)
        else:
            network = from_checkpoint(self.checkpoint.path, embedding=self.embedding)
        check_size(self.size, network.output_size, self.weights)
        return self.placed(network)

    def _random_network(self) -> Any:
        from mmser.models.encoders.audio.emotion2vec.encoder import Emotion2Vec as Network

        heads = max(1, self.size // 64)
        return Network(
            1, self.size, 2, 1, heads, 2 * self.size, channels=64, embedding=self.embedding
        )

    def _parts(self, waveform: np.ndarray) -> list[np.ndarray]:
        return [levelled_before(waveform, self.level)]

    def _encode(self, rows: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
        """Waveforms (row, sample) -> (frame or token, size), row after row, how many of each."""
        from mmser.core.batch import Stream
        from mmser.extractors.networks.row_levels import levelled_rows
        from mmser.extractors.networks.transfers import packed, sent
        from mmser.models.layers.masks.padding import length_mask

        device, dtype = place_of(self._network)
        if self.level in ROW_LEVELS:
            rows = levelled_rows(rows, lengths, self.level)
        mask = length_mask(sent(lengths, device), rows.shape[1])
        values = self._network(Stream(rows.to(dtype), mask)).values
        if self.embedding != "frames":
            return values.flatten(0, 1), [values.shape[1]] * len(lengths)
        counts = [_frame_count(length) for length in lengths]
        values = packed(values, counts)
        return summed_up(values, counts, self.statistics)

    def _features(self, parts: list[np.ndarray], samples: int) -> Features:
        (values,) = parts
        if self.embedding == "frames" and not self.statistics:
            return Features(values, frame_rate=_FRAME_RATE)
        whole = np.array([[0.0, samples / SAMPLE_RATE]], dtype=np.float32)
        return Features(values, spans=np.repeat(whole, len(values), axis=0))


def _frame_count(samples: int) -> int:
    """Frames of so many samples: at least one."""
    from mmser.models.encoders.audio.emotion2vec.encoder import KERNELS, STRIDES

    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        samples = max(1, (samples - kernel) // stride + 1)
    return samples
