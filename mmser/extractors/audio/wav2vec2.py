"""Frames of wav2vec 2.0, HuBERT, WavLM and their kin, or their statistics over time.

Each is read from any transformers checkpoint through its own class. MMS is a wav2vec 2.0 whose
layers hold the adapters of one language; the heads of languages are left out.

Sources: wav2vec 2.0: Baevski et al., NeurIPS 2020; HuBERT: Hsu et al., TASLP 2021; WavLM: Chen et
al., JSTSP 2022; data2vec: Baevski et al., ICML 2022; UniSpeech-SAT: Chen et al., ICASSP 2022;
wav2vec2-BERT: Seamless Communication, 2023; MMS: Pratap et al., JMLR 2024.

Differs: the base models normalise their first convolution over the whole time axis, padding
included, and so give an utterance other features in other company. Here these statistics are taken
over the valid frames alone, and padding is always masked: a batch equals single utterances to about
1e-6, and a single utterance equals the original (`mmser.extractors.networks.speech_encoder`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Features
from mmser.core.errors import MmserError, reason_of
from mmser.core.weights import Weights
from mmser.extractors.arguments import LATER, WITHOUT_EFFECT, arguments
from mmser.extractors.networks.devices import device_named
from mmser.extractors.networks.sizes import check_size
from mmser.extractors.networks.speech_recipe import SpeechNetwork, summed_up
from mmser.extractors.spectral.level import ROW_LEVELS, Level, levelled, levelled_before

if TYPE_CHECKING:
    from torch import Tensor

    from mmser.extractors.networks.speech_encoder import SpeechEncoder, WholeNetwork
    from mmser.models.layers.time.filter_bank import FilterBank

_MEL = "wav2vec2-bert"
"""The one network that reads log-mel frames, made by its checkpoint's own feature extractor."""
_KINDS = (
    "wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat",
    "wav2vec2-conformer", "sew", "sew-d", _MEL,
)  # fmt: skip
"""Networks whose frames and layers are read in the same way."""
_MEL_STEP = 320
"""Samples from one of its steps to the next: two log-mel frames, 10 ms apart."""
_MEL_SHORTEST = 560
"""Samples of its first step: two windows of 25 ms."""


@dataclass(frozen=True, kw_only=True)
class Wav2Vec2(SpeechNetwork):
    """waveform -> normalised -> frames (50 Hz) -> Transformer, (time, [layer,] size) or (1, ...).

    Further arguments are those of `mmser.extractors.networks.speech_recipe.SpeechNetwork`.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded network of the same output
            dimension with 64 convolution channels and only as many Transformer layers as ``layer``
            asks for (two for the last; all 12 or, from size 1024 on, 24).
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        size: feature dimension; another one in the checkpoint is an error.
        layer: -1 the last; 0 the Transformer's input; n the output of layer n; ``all`` keeps every
            one.
        level: ``zscore`` (mean 0, variance 1: most checkpoints), ``none`` (WavLM base), or
            ``checkpoint``: whichever its preprocessor_config.json says.
        model_type: the network that the checkpoint must hold, as its config.json names it; None:
            any of them.
        statistics: mean and standard deviation over time, (1, [layer,] 2 size), in place of frames.
    """

    version: ClassVar[int] = 1

    weights: str = "facebook/wav2vec2-base-960h"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    size: int = 768
    layer: int | Literal["all"] = -1
    level: Level | Literal["checkpoint"] = "zscore"
    model_type: str | None = field(default=None, metadata=LATER | WITHOUT_EFFECT)
    statistics: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        if self.model_type not in (None, *_KINDS):
            raise MmserError(
                f"model_type {', '.join(_KINDS)}, or null",
                f"'{self.model_type}'",
                "Correct the extractor's argument.",
            )

    @property
    def dtype(self) -> str:
        """Frames fit into float16; statistics are few and stay exact."""
        return "float32" if self.statistics else "float16"

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the speech encoder")

    @property
    def feature_size(self) -> int:
        """Length of the last axis of the output."""
        return 2 * self.size if self.statistics else self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "wav2vec2", **arguments(self), **self.checkpoint.facts}

    @property
    def _batching(self) -> Mapping[str, Any]:
        seconds = self.batch_seconds if self._encoder.takes_batches else 0.0
        rate = SAMPLE_RATE / _MEL_STEP if self._hears_mel else SAMPLE_RATE
        return {"seconds": seconds, "rate": rate, "packs": self._encoder.packs}

    @cached_property
    def _encoder(self) -> SpeechEncoder | WholeNetwork:
        from mmser.extractors.networks.speech_encoder import speech_encoder

        return speech_encoder(self._model)

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModel

        from mmser.models.layers.checkpoints.pretrained import read_network

        if self.checkpoint.is_random:
            model = self.seeded(self._random_model)
        else:
            kinds = [self.model_type] if self.model_type else _KINDS
            own = f"{self.model_type}, or set model_type=null" if self.model_type else None
            what = own or "a speech encoder"
            remedy = f"Name a checkpoint of {what}; the extractors bert and xvector read others."
            model = read_network(AutoModel, self.checkpoint.path, kinds, remedy)
        check_size(self.size, model.config.hidden_size, self.weights)
        self._check_rate(model)
        model.config.apply_spec_augment = False
        return self.placed(model)

    def _check_rate(self, model: Any) -> None:
        # Layers at one rate and frames at another cannot be kept side by side.
        if getattr(model.config, "add_adapter", False):
            raise MmserError(
                f"a speech encoder of 50 frames a second in {self.weights}",
                "convolutions behind it that lower the rate (add_adapter)",
                "Name the checkpoint it was made from.",
            )

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

    @cached_property
    def _own_extractor(self) -> Any:
        """The checkpoint's own feature extractor (preprocessor_config.json)."""
        from transformers import AutoFeatureExtractor

        folder = self.checkpoint.path
        try:
            return AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise MmserError(
                f"a preprocessor_config.json of a speech encoder in {folder}",
                reason_of(error),
                "Download the whole checkpoint, or save the feature extractor beside it.",
            ) from error

    @cached_property
    def _stated_level(self) -> Level:
        """The level of the waveform, which an argument or the checkpoint states."""
        if self.level != "checkpoint":
            return self.level
        if self.checkpoint.is_random:
            return "zscore"
        # The log-mel frames of wav2vec2-BERT are normalised, not its waveform.
        return "zscore" if getattr(self._own_extractor, "do_normalize", False) else "none"

    @property
    def _reads_mel(self) -> bool:
        return bool(self._model.config.model_type == _MEL)

    @property
    def _hears_mel(self) -> bool:
        """Whether log-mel frames are made before they come to the device."""
        return self._reads_mel and self._filter_bank is None

    @cached_property
    def _filter_bank(self) -> FilterBank | None:
        """What makes the log-mel frames on a GPU, where the checkpoint's are the usual ones."""
        from mmser.models.layers.time.filter_bank import BANDS, FilterBank

        device = device_named(self.device)
        if not self._reads_mel or device.type != "cuda":
            return None
        own = self._own_extractor
        usual = (getattr(own, "num_mel_bins", None), getattr(own, "stride", None)) == (BANDS, 2)
        return FilterBank().to(device) if usual else None

    @property
    def _frame_rate(self) -> float:
        if self._reads_mel:
            return SAMPLE_RATE / _MEL_STEP
        return SAMPLE_RATE / float(np.prod(self._model.config.conv_stride))

    def _parts(self, waveform: np.ndarray) -> list[np.ndarray]:
        """What the network reads of one waveform: its samples, or (step, two log-mel frames)."""
        level = self._stated_level
        if not self._hears_mel:
            return [levelled_before(waveform, level)]
        prepared = levelled(waveform, level)
        prepared = np.pad(prepared, (0, max(0, _MEL_SHORTEST - len(prepared)))).astype(np.float32)
        own = self._own_extractor(prepared, sampling_rate=SAMPLE_RATE, return_tensors="np")
        # A last frame without its pair is masked, and left out here.
        count = int(own["attention_mask"][0].sum())
        return [np.asarray(own["input_features"][0][:count], dtype=np.float32)]

    def _encode(self, rows: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
        """(row, sample), or (row, step, 160), -> (time, [layer,] size), row after row, and the time
        of each.
        """
        from mmser.extractors.networks.row_levels import levelled_rows, padded_rows
        from mmser.extractors.networks.transfers import sent

        if not self._hears_mel:
            if self._stated_level in ROW_LEVELS:
                rows = levelled_rows(rows, lengths, self._stated_level)
            mel = self._filter_bank
            config = self._model.config
            shortest = _receptive_field(config) if mel is None else _MEL_SHORTEST
            rows, lengths = padded_rows(rows, lengths, shortest)
            if mel is not None:
                rows, _ = mel(rows, sent(lengths, rows.device))
                lengths = [mel.steps(length) for length in lengths]
        values, counts = self._encoder(rows, lengths, self.layer)
        return summed_up(values, counts, self.statistics)

    def _features(self, parts: list[np.ndarray], samples: int) -> Features:
        (values,) = parts
        if self.statistics:
            spans = np.array([[0.0, samples / SAMPLE_RATE]], dtype=np.float32)
            return Features(values, spans=spans)
        return Features(values, frame_rate=self._frame_rate)


def _receptive_field(config: Any) -> int:
    """Samples that one output frame of the convolutions sees."""
    field = 1
    for kernel, stride in zip(
        reversed(config.conv_kernel), reversed(config.conv_stride), strict=True
    ):
        field = (field - 1) * stride + kernel
    return field
