"""Contextual vectors of BERT, RoBERTa and their kin, from any transformers text encoder.

Sources: Devlin et al., NAACL 2019; Liu et al., 2019 (RoBERTa).

The text is parted into words first (dashes and dots vanish, other punctuation and case stay), so
that rows can be matched with word times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.core.weights import Weights
from mmser.core.words import spoken_words
from mmser.extractors.arguments import WITHOUT_EFFECT, arguments
from mmser.extractors.clips.length_batches import length_batches
from mmser.extractors.clips.outcomes import checked, transcript_of
from mmser.extractors.networks.devices import Placement
from mmser.extractors.transcripts.pieces import (
    HASHED_VOCABULARY,
    Pieces,
    Tokenizer,
    cut_note,
    piece_spans,
    tokenizer_of,
)
from mmser.extractors.transcripts.word_spans import spans_of


@dataclass(frozen=True, kw_only=True)
class Bert(Placement):
    """transcript -> sub-words -> Transformer -> last layers side by side, (word or sub-word, size *
    layers).

    Further arguments are those of `mmser.extractors.networks.devices.Placement`.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: a seeded two-layer network of the
            same output dimension over hashed sub-words.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        size: feature dimension of one layer; another one in the checkpoint is an error.
        layers: how many of the last layers are put side by side (1 the last, 4 the last four,
            earliest first).
        pooling: ``words``: the mean of each word's sub-words; ``pieces``: every sub-word, start and
            end mark too.
        limit: sub-words kept from the start, marks included, if the network has as many positions;
            further words are dropped and noted.
        batch_pieces: most sub-words, padding included, in one pass.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "float16"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "google-bert/bert-base-uncased"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    size: int = 768
    layers: int = 1
    pooling: Literal["words", "pieces"] = "words"
    limit: int = 512
    batch_pieces: int = field(default=2048, metadata=WITHOUT_EFFECT)

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the text encoder")

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.size * self.layers

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "bert", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (word or sub-word, size * layers) float32 array per clip, with spans where words have
        times.
        """
        results: dict[int, Features | Failure] = {}
        transcripts: dict[int, Transcript] = {}
        pieces: dict[int, Pieces] = {}
        for position, clip in enumerate(clips):
            transcript = transcript_of(clip)
            if isinstance(transcript, Failure):
                results[position] = transcript
            else:
                transcripts[position] = transcript
                words = spoken_words(transcript.text)
                pieces[position] = self._tokenizer(words, self._most)
        positions = list(pieces)
        lengths = [len(pieces[position].ids) for position in positions]
        for batch in length_batches(lengths, self.batch_pieces):
            rows = [positions[place] for place in batch]
            states = self._encode([pieces[row] for row in rows])
            for row, values in zip(rows, states, strict=True):
                features = self._features(transcripts[row], pieces[row], values)
                results[row] = checked(clips[row], features)
        return [results[position] for position in range(len(clips))]

    @cached_property
    def _most(self) -> int:
        """Sub-words: the limit, or what the network has positions for."""
        from mmser.models.layers.checkpoints.pretrained import positions_of

        return min(self.limit, positions_of(self._model) or self.limit)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.checkpoint)

    @cached_property
    def _model(self) -> Any:
        from mmser.extractors.networks.text_encoder import new_text_encoder, read_text_encoder

        if self.checkpoint.is_random:
            layers = max(2, self.layers)
            model = self.seeded(lambda: new_text_encoder(HASHED_VOCABULARY, self.size, layers))
        else:
            model = read_text_encoder(self.checkpoint.path, self.size)
        if self.layers > model.config.num_hidden_layers:
            raise MmserError(
                f"at most {model.config.num_hidden_layers} layers",
                f"layers={self.layers}",
                "Lower `layers`.",
            )
        return self.placed(model)

    def _encode(self, batch: list[Pieces]) -> list[np.ndarray]:
        """Pieces of any number -> one (piece, size * layers) float32 array each."""
        from mmser.extractors.networks.text_encoder import last_layers

        ids = [pieces.ids for pieces in batch]
        return last_layers(self._model, ids, self._tokenizer.padding, self.layers, self.precision)

    def _features(self, transcript: Transcript, pieces: Pieces, values: np.ndarray) -> Features:
        owners = np.array(pieces.owners)
        words = int(owners.max(initial=-1)) + 1
        notes = cut_note(words, len(spoken_words(transcript.text)))
        spans = spans_of(transcript)
        if self.pooling == "pieces":
            spans = None if spans is None else piece_spans(owners, spans)
            return Features(values, spans=spans, notes=notes)
        spans = None if spans is None else spans[:words]
        return Features(_word_means(values, owners, words), spans=spans, notes=notes)


def _word_means(values: np.ndarray, owners: np.ndarray, words: int) -> np.ndarray:
    """(piece, feature) -> (word, feature): the mean of the pieces that each word owns."""
    sums = np.zeros((words, values.shape[1]), dtype=np.float32)
    owned = owners >= 0  # marks belong to no word
    np.add.at(sums, owners[owned], values[owned])
    counts = np.maximum(np.bincount(owners[owned], minlength=words), 1)
    return sums / counts[:, None].astype(np.float32)
