"""faster-whisper: what it says when package or model are missing; its words, with the network replaced."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.core.utterance import Word
from mmser.media.transcription.faster_whisper import FILES, FasterWhisper

SPEECH = np.full(16000, 0.1, np.float32)


def model_folder(root: Path) -> Path:
    (root / "base").mkdir()
    for name in FILES:
        (root / "base" / name).write_bytes(b"{}")
    return root


def test_missing_model_says_what_to_download(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.bin").touch()
    with pytest.raises(MmserError, match=r"no config.json, tokenizer.json in .*faster-whisper-base into that folder"):
        FasterWhisper("base", weights=tmp_path).parameters()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MmserError, match=r"pip install 'mmser\[faster-whisper\]'"):
        FasterWhisper("base", weights=model_folder(tmp_path)).transcribe([SPEECH])


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(MmserError, match="which does not load"):
        FasterWhisper("base", weights=model_folder(tmp_path), device="cpu").transcribe([SPEECH])


def test_words_of_the_segments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[dict[str, object]] = []

    class Network:
        def __init__(self, path: str, **options: object) -> None:
            calls.append({"path": path, **options})

        def transcribe(self, waveform: np.ndarray, **options: object) -> tuple[object, None]:
            calls.append(options)
            word = SimpleNamespace(word=" hello", start=0.1, end=0.4, probability=0.9)
            return iter([SimpleNamespace(words=[word]), SimpleNamespace(words=None)]), None

    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=Network))
    recogniser = FasterWhisper("base", weights=model_folder(tmp_path), language="en")
    spoken, silence = recogniser.transcribe([SPEECH, SPEECH * 0])
    assert spoken.text == "hello" and spoken.words == (Word("hello", 0.1, 0.4, 0.9),)
    assert spoken.source == silence.source == "faster-whisper-base" and silence.text == ""
    assert calls[0]["local_files_only"] is True and calls[1]["temperature"] == 0.0 and len(calls) == 2
    assert len(recogniser.parameters()["weights"]) == 64
