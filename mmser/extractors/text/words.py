"""One stable number per word, so that a vocabulary can be fitted on the training fold alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.words import word_id, words_of
from mmser.extractors.clips.outcomes import each_transcript
from mmser.extractors.transcripts.word_spans import spans_of


@dataclass(frozen=True)
class Words:
    """transcript -> normalised words -> `core.words.word_id` of each, (word,) int32; 0 never
    occurs.

    Args:
        limit: words kept from the start; None keeps all.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "int32"
    feature_size: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "words"
    version: ClassVar[int] = 1
    sample_rate: ClassVar[None] = None
    checkpoint: ClassVar[None] = None

    limit: int | None = None

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "words", **asdict(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (word,) int32 array per clip, with word spans where the transcript has word times."""
        return each_transcript(clips, self._features)

    def _features(self, transcript: Transcript) -> Features:
        ids = np.array([word_id(word) for word in words_of(transcript.text)], dtype=np.int32)
        spans = spans_of(transcript)
        return Features(ids[: self.limit], spans=None if spans is None else spans[: self.limit])
