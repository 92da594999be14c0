"""Whisper through its real loading and decoding path, with a small random checkpoint made here."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from makers.whisper_network import whisper_network, write_checkpoint
from whisper.model import ModelDimensions

from mmser.core.errors import MmserError
from mmser.media.transcription.whisper import Whisper

SPEECH = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = whisper_network(ModelDimensions(80, 1500, 16, 2, 1, 51865, 32, 16, 2, 2))
    return write_checkpoint(network, tmp_path_factory.mktemp("whisper") / "toy.pt")


def test_real_path_gives_transcripts(checkpoint: Path) -> None:
    recogniser = Whisper(str(checkpoint), language="en", device="cpu")
    spoken, silence = recogniser.transcribe([SPEECH, np.zeros(16000, np.float32)])
    assert spoken.source == silence.source == recogniser.name == "whisper-toy"
    assert silence.text == "" and silence.words == ()
    assert spoken.text == " ".join(word.text for word in spoken.words)
    assert recogniser.transcribe([SPEECH]) == [spoken]


def test_parameters_hold_the_digest(checkpoint: Path) -> None:
    parameters = Whisper(str(checkpoint), language="en").parameters()
    assert (
        len(parameters["weights"]) == 64
        and parameters["language"] == "en"
        and parameters["group_short"] is False
    )


def test_the_digest_alone_decides(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "renamed.pt").write_bytes(checkpoint.read_bytes())
    one, other = Whisper(str(checkpoint)), Whisper("renamed", weights=tmp_path)
    assert one.parameters() == other.parameters() and one.parameters()["model"] is None
    # A published file goes by its published name, and gets its alignment heads, under any name.
    import whisper

    heads = whisper._ALIGNMENT_HEADS["tiny"]
    monkeypatch.setitem(whisper._MODELS, "tiny", f"https://x/{one.checkpoint.digest}/tiny.pt")
    assert other.parameters()["model"] == "tiny"
    set_heads: list[bytes] = []
    monkeypatch.setattr(
        "whisper.model.Whisper.set_alignment_heads", lambda self, dump: set_heads.append(dump)
    )
    assert other.checkpoint.network is not None and set_heads == [heads]


def test_a_checkpoint_may_list_its_alignment_heads(checkpoint: Path, tmp_path: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, "alignment_heads": [[1, 0]]}, tmp_path / "own.pt")
    model = Whisper(str(tmp_path / "own.pt"), device="cpu").checkpoint.network
    assert model.alignment_heads.to_dense().tolist() == [[False, False], [True, False]]
    torch.save({**content, "alignment_heads": [[7, 0]]}, tmp_path / "broken.pt")
    with pytest.raises(MmserError, match=r"pairs of 2 layers; found \[\[7, 0\]\]"):
        Whisper(str(tmp_path / "broken.pt"), device="cpu").checkpoint.network  # noqa: B018


def test_weights_may_be_the_file(checkpoint: Path) -> None:
    assert Whisper(weights=checkpoint).path == checkpoint
    assert Whisper("base", weights=checkpoint.parent).path == checkpoint.parent / "base.pt"


@pytest.mark.parametrize("change", ["nan", "lacking", "further", "sizes"])
def test_other_tensors_are_refused(checkpoint: Path, tmp_path: Path, change: str) -> None:
    content = torch.load(checkpoint, weights_only=True)
    state = content["model_state_dict"]
    if change == "nan":
        state["encoder.conv1.bias"][0] = float("nan")
    elif change == "lacking":
        del state["encoder.conv1.bias"]
    elif change == "further":
        state["encoder.gate"] = torch.ones(1)
    else:
        content["dims"]["n_audio_layer"] = 3
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(
        MmserError, match="NaN or infinity in encoder.conv1.bias" if change == "nan" else "not load"
    ):
        Whisper(weights=tmp_path / "w.pt", device="cpu").transcribe([SPEECH])


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
