"""faster-whisper: what it says when package or model are missing; its words, with the network
replaced.
"""

from __future__ import annotations

import struct
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
    (root / "base" / "model.bin").write_bytes(model_file())
    return root


def model_file(network: str = "WhisperSpec", kind: int = 0, values: bytes = b"\0" * 8) -> bytes:
    """In CTranslate2's format, with one variable."""

    def text(word: str) -> bytes:
        return struct.pack("<H", len(word) + 1) + word.encode() + b"\0"

    head = struct.pack("<I", 6) + text(network) + struct.pack("<I", 3)
    variable = text("encoder/conv1/bias") + struct.pack("<BIBI", 1, 2, kind, len(values)) + values
    return head + struct.pack("<I", 1) + variable + struct.pack("<I", 0)


def test_missing_model_says_what_to_download(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.bin").touch()
    with pytest.raises(
        MmserError,
        match=r"no config.json, tokenizer.json in .*faster-whisper-base into that folder",
    ):
        FasterWhisper("base", weights=tmp_path).parameters()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MmserError, match=r"pip install 'mmser\[faster-whisper\]'"):
        FasterWhisper("base", weights=model_folder(tmp_path)).transcribe([SPEECH])


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(MmserError, match="which does not load"):
        FasterWhisper("base", weights=model_folder(tmp_path), device="cpu").transcribe([SPEECH])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (model_file("TransformerSpec"), r"a WhisperSpec in .*model\.bin; found TransformerSpec"),
        (
            model_file(values=np.array([0, np.nan], np.float32).tobytes()),
            "found NaN or infinity in encoder/conv1/bias",
        ),
        (
            model_file(kind=4, values=np.array([0, np.inf], np.float16).tobytes()),
            "found NaN or infinity",
        ),
        (
            model_file(kind=5, values=np.array([0, 0x7FC0], np.uint16).tobytes()),
            "found NaN or infinity",
        ),
        (model_file(values=b"\0" * 8)[:-10], "a model file of CTranslate2.*found another file"),
        (b"{}", "a model file of CTranslate2"),
        (b"", "a model file of CTranslate2"),
    ],
)
def test_another_model_or_weights_that_are_no_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", SimpleNamespace(WhisperModel=None))
    (model_folder(tmp_path) / "base" / "model.bin").write_bytes(content)
    with pytest.raises(MmserError, match=message):
        FasterWhisper("base", weights=tmp_path).transcribe([SPEECH])


def test_the_digest_alone_decides(tmp_path: Path) -> None:
    root = model_folder(tmp_path)
    before = FasterWhisper("base", weights=root).parameters()
    (root / "base").rename(root / "other")
    assert FasterWhisper("other", weights=root).parameters() == before
    assert FasterWhisper(weights=root / "other").parameters() == before
    (root / "other" / "vocabulary.txt").write_text("a")
    assert FasterWhisper(str(root / "other")).parameters()["weights"] != before["weights"]


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
    assert (
        calls[0]["local_files_only"] is True and calls[1]["temperature"] == 0.0 and len(calls) == 2
    )
    assert len(recogniser.parameters()["weights"]) == 64
