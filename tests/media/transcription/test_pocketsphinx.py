"""PocketSphinx on speech whose words are known."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.media.transcription.pocketsphinx import PocketSphinx

pytest.importorskip("espeakng_loader", reason="needs the demo extra")


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    from mmser.corpora.synthetic.voice import Manner, speak

    spoken, _ = speak("I am so happy about my new job.", "en-us+m3", Manner(pitch=38))
    # A voice without any room around it confuses the recogniser's noise removal.
    room = np.random.default_rng(0).normal(0, 1e-3, len(spoken) + 3200)
    return (np.pad(spoken, 1600) + room).astype(np.float32)


def test_words_times_and_confidence(speech: np.ndarray) -> None:
    pytest.importorskip("pocketsphinx")
    recogniser = PocketSphinx()
    first, silence, again = recogniser.transcribe([speech, np.zeros(8000, np.float32), speech])
    assert "happy about my new job" in first.text and first.source == "pocketsphinx"
    assert silence.text == "" and silence.words == ()
    # Nothing of an utterance may colour the next.
    assert again == first
    assert first.text == " ".join(word.text for word in first.words)
    assert all(0 <= word.start < word.end <= len(speech) / 16000 + 0.02 for word in first.words)
    assert all(word.confidence is not None and 0 <= word.confidence <= 1.01 for word in first.words)
    assert recogniser.parameters()["transcriber"] == "pocketsphinx"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, speech: np.ndarray) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(MmserError, match=r"pip install 'mmser\[pocketsphinx\]'"):
        PocketSphinx().transcribe([speech])
