"""Whisper through its real loading and decoding path, with a small random checkpoint made here."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from mmser.core.errors import MmserError
from mmser.core.utterance import Word
from mmser.media.transcription.whisper import Whisper, share_out

SPEECH = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from whisper.model import ModelDimensions
    from whisper.model import Whisper as Network

    torch.manual_seed(0)
    sizes = ModelDimensions(80, 1500, 16, 2, 1, 51865, 32, 16, 2, 2)
    path = tmp_path_factory.mktemp("whisper") / "toy.pt"
    torch.save({"dims": vars(sizes), "model_state_dict": Network(sizes).state_dict()}, path)
    return path


def test_real_path_gives_transcripts(checkpoint: Path) -> None:
    recogniser = Whisper(str(checkpoint), language="en", device="cpu")
    spoken, silence = recogniser.transcribe([SPEECH, np.zeros(16000, np.float32)])
    assert spoken.source == silence.source == recogniser.name == "whisper-toy"
    assert silence.text == "" and silence.words == ()
    assert spoken.text == " ".join(word.text for word in spoken.words)
    assert recogniser.transcribe([SPEECH]) == [spoken]


def test_parameters_hold_the_digest(checkpoint: Path) -> None:
    parameters = Whisper(str(checkpoint), language="en").parameters()
    assert len(parameters["weights"]) == 64 and parameters["language"] == "en" and parameters["group_short"] is False


def test_missing_checkpoint_says_what_to_download(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"Download https://\S+/base\.pt and put it there"):
        Whisper("base", weights=tmp_path).transcribe([SPEECH])
    with pytest.raises(MmserError, match=r"no file .*base\.pt"):
        Whisper("base", weights=tmp_path).parameters()


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "base.pt").write_bytes(b"not weights")
    with pytest.raises(MmserError, match="which does not load"):
        Whisper("base", weights=tmp_path).transcribe([SPEECH])


class _Trap:
    """A pickle that would make a file when read carelessly."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_hostile_checkpoint_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(_Trap(tmp_path / "sprung"), protocol=2))
    torch.save({"dims": _Trap(tmp_path / "sprung")}, tmp_path / "zipped.pt")
    for name in ("evil.pt", "zipped.pt"):
        with pytest.raises(MmserError, match="which does not load"):
            Whisper(str(tmp_path / name)).transcribe([SPEECH])
    assert not (tmp_path / "sprung").exists()


def test_grouping_fills_windows_and_skips_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    recogniser = Whisper(group_short=True)
    heard: list[int] = []

    def words(waveform: np.ndarray) -> tuple[Word, ...]:
        heard.append(len(waveform))
        return (Word("first", 0.2, 0.6), Word("second", 11.2, 11.9))

    monkeypatch.setattr(recogniser, "_words", words)
    ten = np.full(160000, 0.1, np.float32)
    transcripts = recogniser.transcribe([ten, ten * 0, ten, ten])
    # Two of ten seconds with their pauses share a window, a third would not fit.
    assert heard == [2 * (160000 + 16000), 160000]
    assert [t.text for t in transcripts] == ["first", "", "second", "first second"]
    assert transcripts[2].words[0].start == pytest.approx(0.2)


def test_words_go_to_the_nearest_utterance() -> None:
    begins, ends = np.array([0.0, 3.0]), np.array([2.0, 5.0])
    words = [Word("a", 0.0, 1.0), Word("b", 1.9, 2.7), Word("c", 2.6, 3.4), Word("d", 4.5, 5.5)]
    first, second = share_out(words, begins, ends)
    assert [word.text for word in first] == ["a", "b"] and [word.text for word in second] == ["c", "d"]
    assert first[1] == Word("b", 1.9, 2.0) and second[0] == Word("c", 0.0, pytest.approx(0.4))  # type: ignore[arg-type]
