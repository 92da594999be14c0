"""Sub-word ids of a checkpoint's tokenizer, for text encoders that are fine-tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.core.words import spoken_words
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.clips.outcomes import each_transcript
from mmser.extractors.transcripts.pieces import (
    Tokenizer,
    cut_note,
    piece_spans,
    tokenizer_of,
)
from mmser.extractors.transcripts.word_spans import spans_of


@dataclass(frozen=True)
class Tokens:
    """transcript -> words as written -> sub-word ids with start and end mark, (sub-word,) int32.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: pieces of up to four characters
            hashed into 8192 ids, for networks that are trained from scratch.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        limit: sub-words kept from the start, marks included; further words are dropped and noted.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "int32"
    feature_size: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "tokens"
    version: ClassVar[int] = 1
    sample_rate: ClassVar[None] = None

    weights: str = "google-bert/bert-base-uncased"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    limit: int = 512

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the tokenizer")

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "tokens", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (sub-word,) int32 array per clip, with spans where words have times."""
        return each_transcript(clips, self._features)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.checkpoint)

    def _features(self, transcript: Transcript) -> Features:
        words = spoken_words(transcript.text)
        pieces = self._tokenizer(words, self.limit)
        owners = np.array(pieces.owners)
        notes = cut_note(int(owners.max(initial=-1)) + 1, len(words))
        spans = spans_of(transcript)
        if spans is not None:
            spans = piece_spans(owners, spans)
        return Features(np.array(pieces.ids, dtype=np.int32), spans=spans, notes=notes)
