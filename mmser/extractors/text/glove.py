"""GloVe: one published vector per word (Pennington, Socher, Manning, EMNLP 2014).

Differs: the published vectors split "don't" into "do" and "n't"; a word the file lacks is looked up
in its parts (contraction, hyphen), whose mean stands for it, so that rows stay one per spoken word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.core.words import word_id, words_of
from mmser.extractors.clips.outcomes import each_transcript
from mmser.extractors.transcripts.word_spans import spans_of
from mmser.extractors.transcripts.word_vectors import VectorFile

_DOWNLOAD = "https://nlp.stanford.edu/data/glove.840B.300d.zip (unpack it: one .txt file)"
_CONTRACTION = re.compile(r"^(\w+?)(n't|'\w+)$")


@dataclass(frozen=True)
class Glove:
    """transcript -> normalised words -> one vector each, (word, size) float32; unknown words are
    zero and counted.

    Args:
        weights: the text file, or ``random`` (a seeded normal vector per word: no meaning, and no
            word is unknown).
        size: dimension of the vectors.
        limit: words kept from the start; None keeps all.
        split_unknown: look an unknown word up in its parts ("don't": mean of "do" and "n't").
        seed: of the random vectors.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "float16"
    version: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "features"
    sample_rate: ClassVar[None] = None

    weights: str = "weights/glove.840B.300d.txt"
    size: int = 300
    limit: int | None = None
    split_unknown: bool = True
    seed: int = 0

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, what="GloVe", download=_DOWNLOAD)

    @property
    def feature_size(self) -> int:
        """Columns of the output."""
        return self.size

    def parameters(self) -> Mapping[str, Any]:
        """Every argument, the file by its digest."""
        return {"extractor": "glove", **asdict(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (word, size) array per clip, with word spans where the transcript has word times."""
        return each_transcript(clips, self._features)

    @cached_property
    def _file(self) -> VectorFile:
        return VectorFile(self.checkpoint.path, self.size)

    def _features(self, transcript: Transcript) -> Features:
        words = words_of(transcript.text)[: self.limit]
        vectors = [self._vector(word) for word in words]
        unknown = [word for word, vector in zip(words, vectors, strict=True) if vector is None]
        zero = np.zeros(self.size, dtype=np.float32)
        values = np.stack([zero if vector is None else vector for vector in vectors])
        spans = spans_of(transcript)
        notes = (
            f"{len(unknown)} of {len(words)} words unknown: {', '.join(unknown[:5])}"
            if unknown
            else ""
        )
        return Features(values, spans=None if spans is None else spans[: self.limit], notes=notes)

    def _vector(self, word: str) -> np.ndarray | None:
        """(size,) float32 of one word, None when neither it nor a part of it is known."""
        if self.checkpoint.is_random:
            generator = np.random.default_rng([self.seed, word_id(word)])
            return 0.4 * generator.standard_normal(self.size, dtype=np.float32)
        vector = self._file.get(word)
        if vector is not None or not self.split_unknown:
            return vector
        known = [found for part in parts_of(word) if (found := self._file.get(part)) is not None]
        return np.mean(np.stack(known), axis=0) if known else None


def parts_of(word: str) -> list[str]:
    """Hyphenated pieces and contraction pieces: "don't" -> do, n't; "well-known" -> well, known;
    else none.
    """
    pieces = [piece for piece in word.split("-") if piece]
    parts: list[str] = []
    for piece in pieces:
        contraction = _CONTRACTION.match(piece)
        parts += list(contraction.groups()) if contraction else [piece]
    return [] if parts == [word] else parts
