"""Characters of the transcript as numbers of a fixed alphabet: targets of CTC and character-level
encoders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.words import words_of
from mmser.extractors.clips.outcomes import each_transcript


@dataclass(frozen=True)
class Characters:
    """transcript -> normalised words joined by one space -> numbers, (character,) int32; 0 is the
    CTC blank.

    Hyphens become spaces. The n-th character of ``alphabet`` is n (from 1); a character outside is
    left out and counted in the notes. The default is the 28 symbols of the English wav2vec 2.0 CTC
    vocabularies, lower case, space for their word mark.

    Args:
        alphabet: the known characters in order.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "int32"
    feature_size: ClassVar[int] = 1
    gives: ClassVar[StreamKind] = "characters"
    version: ClassVar[int] = 1
    sample_rate: ClassVar[None] = None
    checkpoint: ClassVar[None] = None

    alphabet: str = " abcdefghijklmnopqrstuvwxyz'"

    def parameters(self) -> Mapping[str, Any]:
        """Every argument."""
        return {"extractor": "characters", **asdict(self)}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (character,) int32 array per clip; a transcript without one known character fails as
        empty.
        """
        results = each_transcript(clips, self._features)
        return [
            Failure(clip.id, "empty transcript", result.notes)
            if isinstance(result, Features) and not len(result.values)
            else result
            for clip, result in zip(clips, results, strict=True)
        ]

    def _features(self, transcript: Transcript) -> Features:
        text = " ".join(words_of(transcript.text)).replace("-", " ")
        left_out = sum(character not in self.alphabet for character in text)
        notes = f"{left_out} of {len(text)} characters outside the alphabet" if left_out else ""
        words = [self._spelled(word) for word in text.split()]
        # A word of which nothing is left takes its space with it.
        spelled = " ".join(word for word in words if word)
        numbers = [self.alphabet.index(character) + 1 for character in spelled]
        return Features(np.array(numbers, dtype=np.int32), notes=notes)

    def _spelled(self, word: str) -> str:
        """The word without the characters outside the alphabet."""
        return "".join(character for character in word if character in self.alphabet)
