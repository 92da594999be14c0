"""What a published emotion recogniser of text says of a transcript.

Any classifier of transformers over one text can be read. It is judged as it is (`mmser evaluate
model=...`, `mmser predict model=...`).

Differs: every text is computed by itself, so that no padding reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.clips.outcomes import each_transcript
from mmser.extractors.networks.devices import Placement
from mmser.extractors.networks.sizes import check_size
from mmser.extractors.transcripts.pieces import (
    HASHED_VOCABULARY,
    Tokenizer,
    tokenizer_of,
    whole_text_within,
)
from mmser.extractors.transcripts.word_spans import span_of

_RANDOM_LABELS = 4


@dataclass(frozen=True, kw_only=True)
class EmotionText(Placement):
    """transcript -> sub-words -> the checkpoint's network, (1, label).

    Further arguments are those of `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded BERT of two layers and four
            labels over hashed sub-words.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        size: how many labels; another count in the checkpoint is an error. None: as many as it has.
        limit: sub-words kept from the start, marks included, if the network has as many positions;
            what is dropped is noted.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "float32"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "j-hartmann/emotion-english-distilroberta-base"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    size: int | None = None
    limit: int = 512

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the emotion recogniser")

    @property
    def feature_size(self) -> int:
        """How many labels there are."""
        if self.size is None and self.checkpoint.is_random:
            return _RANDOM_LABELS
        return self.size or int(self._model.config.num_labels)

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "emotion_text", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (1, label) float32 array per clip, with a span where words have times."""
        return each_transcript(clips, self._features)

    def _features(self, transcript: Transcript) -> Features:
        from mmser.extractors.networks.emotion_text import text_answers

        # The network first: a checkpoint of something else has no tokenizer either.
        text, most = transcript.text.strip(), self._most
        ids, notes = whole_text_within(self._tokenizer, text, most)
        with self.arithmetic():
            values = text_answers(self._model, ids)
        if self.size is not None:
            check_size(self.size, len(values), self.weights)
        return Features(values[None], spans=span_of(transcript), notes=notes)

    @cached_property
    def _most(self) -> int:
        from mmser.extractors.networks.emotion_text import most_positions

        return min(self.limit, most_positions(self._model) or self.limit)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.checkpoint, by_word=False)

    @cached_property
    def _model(self) -> Any:
        from mmser.extractors.networks.emotion_text import new_text_classifier, read_text_classifier

        if self.checkpoint.is_random:
            return self.placed(
                self.seeded(lambda: new_text_classifier(HASHED_VOCABULARY, _RANDOM_LABELS))
            )
        return self.placed(read_text_classifier(self.checkpoint.path))
