"""Time spans of the words of a transcript."""

from __future__ import annotations

from mmser.core.clip import Transcript
from mmser.core.utterance import Word
from mmser.extractors.transcripts.word_spans import spans_of


def test_spans_need_as_many_times_as_words() -> None:
    assert spans_of(Transcript("two words", "corpus", (Word("two", 0, 1),))) is None
    assert spans_of(Transcript("two words", "corpus")) is None
    shared = spans_of(Transcript("well--no", "corpus", (Word("well--no", 0.5, 1.5),)))
    assert shared.tolist() == [[0.5, 1.5], [0.5, 1.5]]
