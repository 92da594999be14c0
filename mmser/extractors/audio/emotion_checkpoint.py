"""What a published emotion recogniser says of a clip: its answers, or the vector they come from.

Which ones can be read: `mmser.extractors.networks.emotion_classifier`. A published recogniser is
judged as it is (`mmser evaluate model=...`, `mmser predict model=...`), and its vector is a stream
like any other.

Differs: sound shorter than .1 s is followed by silence up to there. Every clip is computed by
itself, so that no padding reaches it. A Whisper classifier hears the first 30 s, as published; a
note says where there is more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip, Failure, Features, Modality
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.clips.outcomes import each_waveform
from mmser.extractors.networks.devices import Placement
from mmser.extractors.networks.sizes import check_size

SHORTEST = SAMPLE_RATE // 10
"""Samples up to which shorter sound is filled with silence."""
_RANDOM_LABELS, _RANDOM_VECTOR = 4, 256


@dataclass(frozen=True, kw_only=True)
class EmotionCheckpoint(Placement):
    """waveform -> the checkpoint's own features -> its network, (1, label) or (1, size).

    Further arguments are those of `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: folder of a checkpoint, hub id, file of emotion2vec+, or ``random``: a seeded
            wav2vec 2.0 of two layers and four labels.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        output: ``answers``, the logits of its classes or its values in its own order; ``vector``,
            what its head reads of the clip.
        size: how many numbers that are; another count in the checkpoint is an error. None: as many
            as it has.
    """

    modality: ClassVar[Modality] = "audio"
    dtype: ClassVar[str] = "float32"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[int] = SAMPLE_RATE

    weights: str = "superb/wav2vec2-base-superb-er"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    output: Literal["answers", "vector"] = "answers"
    size: int | None = None

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the emotion recogniser")

    @property
    def feature_size(self) -> int:
        """How many numbers a clip gives."""
        if self.size is not None:
            return self.size
        if self.checkpoint.is_random:
            return _RANDOM_LABELS if self.output == "answers" else _RANDOM_VECTOR
        return self._said(np.zeros(SHORTEST, np.float32)).size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "emotion_checkpoint", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (1, label) or (1, size) float32 array per clip, whose one row spans the clip."""
        return each_waveform(clips, self._features)

    def _features(self, waveform: np.ndarray) -> Features:
        values = self._said(np.pad(waveform, (0, max(0, SHORTEST - len(waveform)))))
        if self.size is not None:
            check_size(self.size, len(values), self.weights)
        spans = np.array([[0.0, len(waveform) / SAMPLE_RATE]], dtype=np.float32)
        longest = self._model.longest
        is_cut = longest is not None and len(waveform) > longest
        notes = f"the first {longest / SAMPLE_RATE:g} s were heard" if is_cut else ""
        return Features(values[None], spans=spans, notes=notes)

    def _said(self, waveform: np.ndarray) -> np.ndarray:
        with self.arithmetic():
            answer = self._model.judged(waveform)
        return answer.answers if self.output == "answers" else answer.vector

    @cached_property
    def _model(self) -> Any:
        from mmser.extractors.networks.emotion_classifier import (
            new_emotion_classifier,
            read_emotion_classifier,
        )

        if self.checkpoint.is_random:
            return self.placed(self.seeded(lambda: new_emotion_classifier(_RANDOM_LABELS)))
        return self.placed(read_emotion_classifier(self.checkpoint.path))
