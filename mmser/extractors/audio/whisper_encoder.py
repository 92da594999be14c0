"""Frames of Whisper's encoder, of any size of the model, or their statistics over time.

Source: Radford et al., "Robust speech recognition via large-scale weak supervision", ICML 2023. A
frozen encoder with a linear model on the mean and deviation of its layers is a strong recogniser of
emotions (EmoBox, Ma et al., Interspeech 2024, probes the last layer).

Differs: the encoder reads a window of 30 s whatever the sound's length; ``short_window`` pads sound
that fits into fewer seconds to these alone, which costs less and gives other (not worse) features.
Longer sound is cut into windows of 30 s, one after the other; the frames of padding are left out.
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
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.networks.devices import place_of
from mmser.extractors.networks.sizes import check_size
from mmser.extractors.networks.speech_recipe import SpeechNetwork, summed_up

if TYPE_CHECKING:
    from torch import Tensor
    from whisper.model import AudioEncoder


WINDOW = 30 * SAMPLE_RATE
"""Samples of Whisper's window."""
_PLACED = "OpenAI's .pt file (`mmser weights get tiny.en` or `base` places one)"
PUBLISHED_LAYERS = {384: 4, 512: 6, 768: 12, 1024: 24, 1280: 32}
"""Layers of the encoders of tiny, base, small, medium and large, by their sizes."""
FRAME = 320
"""Samples of one frame of the encoder: 50 frames a second."""
_FULL_SECONDS = 960.0
"""Sound, padding included, that keeps a large GPU busy: 32 windows."""


@dataclass(frozen=True, kw_only=True)
class WhisperEncoder(SpeechNetwork):
    """waveform -> log-mel -> encoder, (time, size) or (time, layer, size), 50 Hz; or (1, ...).

    Further arguments are those of `mmser.extractors.networks.speech_recipe.SpeechNetwork`.

    Args:
        weights: a .pt file of OpenAI, a folder of transformers, hub id, or ``random``: a seeded
            encoder of the same size with only as many layers as ``layer`` asks for.
        revision: commit of the hub id.
        weights_folder: where weights are looked for first.
        size: features of the encoder (tiny 384, base 512, small 768, medium 1024, large 1280);
            another one in the checkpoint is an error.
        layer: -1 the last, after its norm; n the output of layer n; ``all`` keeps all of 1 to the
            last.
        statistics: mean and standard deviation over time, (1, [layer,] 2 size), in place of frames.
        short_window: seconds to which shorter sound is padded; None: always 30.
    """

    version: ClassVar[int] = 1

    weights: str = "weights/whisper/tiny.en.pt"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    size: int = 384
    layer: int | Literal["all"] = -1
    statistics: bool = False
    short_window: float | None = None

    def __post_init__(self) -> None:
        if self.short_window is not None and not 0 < self.short_window <= 30:
            raise MmserError(
                "short_window of more than 0 and at most 30 seconds, or null",
                f"{self.short_window}",
                "Correct the extractor's argument.",
            )

    @property
    def dtype(self) -> str:
        """Frames fit into float16; statistics are few and stay exact."""
        return "float32" if self.statistics else "float16"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        download = _PLACED if self.weights.endswith(".pt") else None
        return Weights(
            self.weights, self.revision, self.weights_folder, "the Whisper encoder", download
        )

    @property
    def feature_size(self) -> int:
        """Length of the last axis of the output."""
        return 2 * self.size if self.statistics else self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "whisper_encoder", **arguments(self), **self.checkpoint.facts}

    @property
    def _batching(self) -> Mapping[str, Any]:
        return {"window": self._window, "full_seconds": _FULL_SECONDS}

    @cached_property
    def _model(self) -> AudioEncoder:
        from mmser.extractors.networks.whisper import (
            head_count,
            new_encoder,
            read_encoder,
            with_exact_norms,
        )

        if self.checkpoint.is_random:
            heads, layers = head_count(self.size), self._random_layers
            model = self.seeded(lambda: new_encoder(80, self.size, layers, heads))
        else:
            model = read_encoder(self.checkpoint.path)
            check_size(self.size, model.conv1.weight.shape[0], self.weights)
        return with_exact_norms(self.placed(model))

    @property
    def _random_layers(self) -> int:
        """As many as are asked for; for all of them those of the published model of that size."""
        if self.layer == "all":
            return PUBLISHED_LAYERS.get(self.size, 2)
        return max(2, self.layer)

    def _window(self, samples: int) -> int:
        """Samples to which a piece of at most 30 s is padded."""
        short = round((self.short_window or 30) * SAMPLE_RATE)
        return short if samples <= short else WINDOW

    def _parts(self, waveform: np.ndarray) -> list[np.ndarray]:
        """The sound in pieces of Whisper's window, the last one as long as is left."""
        return [waveform[start : start + WINDOW] for start in range(0, len(waveform), WINDOW)]

    def _encode(self, pieces: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
        """Pieces of one window (piece, sample) -> (frame, [layer,] size), piece after piece, and
        the frames of each.
        """
        from torch.nn import functional as F

        from mmser.extractors.networks.transfers import packed
        from mmser.extractors.networks.whisper import log_mel

        model = self._model
        _, dtype = place_of(model)
        sound = F.pad(pieces, (0, self._window(pieces.shape[1]) - pieces.shape[1]))
        mel = log_mel(sound, bands=model.conv1.weight.shape[1])
        hidden = F.gelu(model.conv2(F.gelu(model.conv1(mel.to(dtype)))))
        hidden = hidden.transpose(1, 2)  # (piece, frame, size)
        hidden = hidden + model.positional_embedding[: hidden.shape[1]].to(dtype)
        layers: list[Tensor] = []
        for block in model.blocks:
            hidden = block(hidden)
            layers.append(hidden)
        layers[-1] = model.ln_post(hidden)
        counts = [_frame_count(length) for length in lengths]
        values = packed(self._chosen(layers), counts)
        return summed_up(values, counts, self.statistics)

    def _chosen(self, layers: list[Tensor]) -> Tensor:
        import torch

        if self.layer == "all":
            return torch.stack(layers, dim=2)
        count = len(layers)
        if self.layer != -1 and not 1 <= self.layer <= count:
            raise MmserError(
                f"a layer from 1 to {count} (or -1, or all)",
                f"layer={self.layer}",
                "Choose one of them.",
            )
        return layers[-1] if self.layer == -1 else layers[self.layer - 1]

    def _features(self, pieces: list[np.ndarray], samples: int) -> Features:
        """What the pieces of one sound gave, in its order."""
        if not self.statistics:
            return Features(np.concatenate(pieces), frame_rate=SAMPLE_RATE / FRAME)
        from mmser.extractors.networks.time_statistics import joined_statistics

        starts = range(0, samples, WINDOW)
        counts = [_frame_count(min(WINDOW, samples - start)) for start in starts]
        spans = np.array([[0.0, samples / SAMPLE_RATE]], dtype=np.float32)
        return Features(joined_statistics(pieces, counts), spans=spans)


def _frame_count(samples: int) -> int:
    """Frames that hold sound: the last may hold some padding."""
    return -(-samples // FRAME)
