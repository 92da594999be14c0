"""Where every sentence is said in every emotion words tell nothing, and where they tell all, all."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd
import pytest

from mmser.evaluation.scoring.equal_words import EqualWords, equal_words
from mmser.evaluation.scoring.group_text import words_line
from mmser.metrics.predictions import checked_predictions

CLASSES = ("ang", "hap", "sad")


def found_in(rows: list[dict[str, Any]]) -> EqualWords:
    table = pd.DataFrame(rows)
    table["id"] = [f"u{place}" for place in range(len(table))]
    found = equal_words(checked_predictions(table))
    assert found is not None
    return found


def test_the_same_sentences_in_every_emotion_tell_nothing() -> None:
    rows = [
        {"speaker": s, "sentence": k, "target": c, "prediction": c}
        for s, k, c in product(["a", "b", "c"], ["1", "2"], CLASSES)
    ]
    found = found_in(rows)
    assert (found.sentences, found.utterances, found.shared) == (2, 18, 18)
    assert found.words_ua == pytest.approx(1 / 3) == found.chance == found.shared_words_ua
    assert found.shared_ua == 1.0


def test_a_sentence_for_each_emotion_tells_all() -> None:
    rows = [
        {"speaker": s, "transcript": f"I am {c}!", "target": c, "prediction": "ang"}
        for s, c in product(["a", "b"], CLASSES)
    ]
    found = found_in(rows)
    assert found.words_ua == 1.0 and found.shared == 0
    assert "by the words alone UA 100.0 (chance 33.3); no text is said in two emotions" in (
        words_line(found)
    )


def test_words_are_told_by_other_speakers_alone() -> None:
    """Each has sentences of their own: nobody else says what they mean."""
    rows = [
        {"speaker": s, "transcript": f"{s} {c}", "target": c, "prediction": c}
        for s, c in product(["a", "b", "c"], CLASSES)
    ]
    assert found_in(rows).words_ua == pytest.approx(1 / 3)


def test_equal_words_are_those_of_another_spelling_and_of_several_emotions() -> None:
    rows = [
        {"speaker": "a", "transcript": "Yes.", "target": "ang", "prediction": "ang"},
        {"speaker": "b", "transcript": "yes", "target": "sad", "prediction": "ang"},
        {"speaker": "a", "transcript": "Damn!", "target": "ang", "prediction": "ang"},
        {"speaker": "b", "transcript": "damn", "target": "ang", "prediction": "ang"},
        {"speaker": "b", "transcript": None, "target": "ang", "prediction": "ang"},
    ]
    found = found_in(rows)
    assert (found.utterances, found.sentences, found.shared) == (4, 2, 2)
    assert found.shared_ua == pytest.approx(0.5)
    assert found.chance == 0.5


def test_nothing_is_said_without_words_or_classes() -> None:
    rows = [{"id": "u", "target": "ang", "prediction": "ang"}]
    assert equal_words(checked_predictions(pd.DataFrame(rows))) is None
    values = pd.DataFrame([{"id": "u", "target_valence": 1.0, "prediction_valence": 0.5}])
    assert equal_words(checked_predictions(values.assign(transcript="hello"))) is None
