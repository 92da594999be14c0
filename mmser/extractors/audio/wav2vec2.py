"""Frame features of wav2vec 2.0, HuBERT, WavLM and their kin, from any transformers checkpoint.

Sources: Baevski et al., NeurIPS 2020; Hsu et al., TASLP 2021; Chen et al., JSTSP 2022.

Differs: the base models normalise their first convolution over the whole time axis, padding
included, and so give an utterance other features in other company. Here these statistics are taken
over the valid frames alone, and the attention mask is always given: a batch equals single
utterances to about 1e-6, and a single utterance equals the original.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.clips.outcomes import waveforms_in_batches
from mmser.extractors.networks.devices import Placement, place_of
from mmser.extractors.networks.sizes import check_size
from mmser.extractors.spectral.level import Level, levelled

if TYPE_CHECKING:
    import torch

_KINDS = (
    "wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat",
    "wav2vec2-conformer", "sew", "sew-d",
)  # fmt: skip
"""Networks over the waveform whose frames and layers are read in the same way."""
_ALONE = ("data2vec-audio", "wav2vec2-conformer", "sew", "sew-d")
"""Those in which padding reaches the frames of an utterance (stacked or strided convolutions):
never in a batch.
"""


@dataclass(frozen=True, kw_only=True)
class Wav2Vec2(Placement):
    """waveform -> normalised -> convolutions (50 Hz) -> Transformer, (time, size) or (time, layer,
    size).

    Further arguments are those of `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded network of the same output
            dimension with 64 convolution channels and only as many Transformer layers as ``layer``
            asks for (two for the last; all 12 or, from size 1024 on, 24).
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        size: feature dimension; another one in the checkpoint is an error.
        layer: -1 the last; 0 the Transformer's input; n the output of layer n; ``all`` keeps every
            one.
        level: ``zscore`` (mean 0, variance 1: most checkpoints) or ``none`` (WavLM base).
        batch_seconds: most seconds of audio, padding included, in one pass.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float16"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[int] = SAMPLE_RATE

    weights: str = "facebook/wav2vec2-base-960h"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    size: int = 768
    layer: int | Literal["all"] = -1
    level: Level = "zscore"
    batch_seconds: float = field(default=60.0, metadata=WITHOUT_EFFECT)

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the speech encoder")

    @property
    def feature_size(self) -> int:
        """Length of the last axis of the output."""
        return self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "wav2vec2", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (time, size) or (time, layer, size) float32 array per clip, 50 Hz."""
        together = 0.0 if self._model.config.model_type in _ALONE else self.batch_seconds
        return waveforms_in_batches(clips, self._prepared, self._encode, together)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModel

        from mmser.extractors.networks.valid_norm import with_valid_norm
        from mmser.models.layers.checkpoints.pretrained import read_network

        if self.checkpoint.is_random:
            model = self.seeded(self._random_model)
        else:
            remedy = (
                "Name a checkpoint of a speech encoder; the extractors bert and xvector "
                "read others."
            )
            model = read_network(AutoModel, self.checkpoint.path, _KINDS, remedy)
        check_size(self.size, model.config.hidden_size, self.weights)
        model.config.apply_spec_augment = False
        return self.placed(with_valid_norm(model))

    def _random_model(self) -> Any:
        from transformers import Wav2Vec2Config, Wav2Vec2Model

        published = 24 if self.size >= 1024 else 12
        config = Wav2Vec2Config(
            hidden_size=self.size,
            num_hidden_layers=published if self.layer == "all" else max(2, self.layer),
            num_attention_heads=max(1, self.size // 64),
            intermediate_size=2 * self.size,
            conv_dim=(64,) * 7,
        )
        return Wav2Vec2Model(config)

    @property
    def _frame_rate(self) -> float:
        return SAMPLE_RATE / float(np.prod(self._model.config.conv_stride))

    def _prepared(self, waveform: np.ndarray) -> np.ndarray:
        """Level set; shorter than one frame of the convolutions: zeros up to one."""
        shortest = _receptive_field(self._model.config)
        prepared = levelled(waveform, self.level)
        return np.pad(prepared, (0, max(0, shortest - len(prepared)))).astype(np.float32)

    def _encode(self, waveforms: list[np.ndarray]) -> list[Features]:
        """Waveforms (sample,) of any lengths -> (time, [layer,] size) float32 each."""
        import torch

        from mmser.extractors.networks.valid_norm import valid_samples

        device, dtype = place_of(self._model)
        lengths = torch.tensor([len(waveform) for waveform in waveforms], device=device)
        padded = torch.zeros(len(waveforms), int(lengths.max()), dtype=dtype, device=device)
        for row, waveform in zip(padded, waveforms, strict=True):
            row[: len(waveform)] = torch.from_numpy(waveform).to(row)
        mask = torch.arange(padded.shape[1], device=device) < lengths[:, None]
        with torch.inference_mode(), valid_samples(self._model, lengths):
            output = self._model(
                padded, attention_mask=mask.long(), output_hidden_states=self.layer != -1
            )
        values = self._layers(output).float().cpu().numpy()
        frames = self._model._get_feat_extract_output_lengths(lengths.cpu()).tolist()
        return [
            Features(row[:count], frame_rate=self._frame_rate)
            for row, count in zip(values, frames, strict=True)
        ]

    def _layers(self, output: Any) -> torch.Tensor:
        """(batch, time, size), or (batch, time, layer, size) for all layers."""
        import torch

        if self.layer == -1:
            return output.last_hidden_state
        layers = (*output.hidden_states[:-1], output.last_hidden_state)
        if self.layer == "all":
            return torch.stack(layers, dim=2)
        if not -len(layers) <= self.layer < len(layers):
            raise MmserError(
                f"a layer from 0 to {len(layers) - 1} (or -1, or all)",
                f"layer={self.layer}",
                "Choose one of them.",
            )
        return layers[self.layer]


def _receptive_field(config: Any) -> int:
    """Samples that one output frame of the convolutions sees."""
    field = 1
    for kernel, stride in zip(
        reversed(config.conv_kernel), reversed(config.conv_stride), strict=True
    ):
        field = (field - 1) * stride + kernel
    return field
