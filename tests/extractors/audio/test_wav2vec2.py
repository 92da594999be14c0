"""Speech encoders on tiny checkpoints written by `save_pretrained`: the path that published ones
take.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from makers.clips import speechlike
from makers.speech_checkpoints import save_speech_checkpoint

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.audio.wav2vec2 import Wav2Vec2
from mmser.extractors.spectral.level import levelled

KINDS = ("wav2vec2", "wav2vec2 with layer norm", "hubert", "wavlm")


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / request.param.replace(" ", "_")
    save_speech_checkpoint(request.param, folder)
    return folder


def extractor(folder: Path, **changes: Any) -> Wav2Vec2:
    return Wav2Vec2(**{"weights": str(folder), "size": 32, "device": "cpu", **changes})


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Norm of the difference relative to the norm of what is expected."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def clips(*seconds: float) -> list[Clip]:
    return [Clip(f"c{n}", speechlike(length, n)) for n, length in enumerate(seconds)]


def test_batched_equals_single_equals_the_original(folder: Path) -> None:
    from transformers import AutoModel

    made = extractor(folder, batch_seconds=100.0)
    spoken = clips(0.9, 0.3, 0.6)
    original = AutoModel.from_pretrained(folder).eval()
    for clip, together in zip(spoken, made.extract(spoken), strict=True):
        alone = made.extract([clip])[0].values
        with torch.inference_mode():
            heard = torch.from_numpy(levelled(clip.waveform, "zscore"))[None]
            expected = original(heard).last_hidden_state[0].numpy()
        assert distance(together.values, alone) < 3e-6
        assert distance(alone, expected) < 3e-6
        assert together.frame_rate == 50.0


def test_without_statistics_of_valid_frames_padding_would_change_the_result(tmp_path: Path) -> None:
    model = save_speech_checkpoint("wav2vec2", tmp_path)
    waveform = torch.from_numpy(levelled(speechlike(0.5, 1), "zscore"))
    padded = torch.nn.functional.pad(waveform, (0, 8000))
    mask = (torch.arange(len(padded)) < len(waveform)).long()
    with torch.inference_mode():
        alone = model(waveform[None]).last_hidden_state[0]
        company = model(padded[None], attention_mask=mask[None]).last_hidden_state[0, : len(alone)]
    assert (alone - company).norm() / alone.norm() > 0.01


def test_small_batches_change_nothing(folder: Path) -> None:
    spoken = clips(0.9, 0.3, 0.6)
    at_once = extractor(folder, batch_seconds=100.0).extract(spoken)
    one_by_one = extractor(folder, batch_seconds=0.1).extract(spoken)
    for first, second in zip(at_once, one_by_one, strict=True):
        assert distance(first.values, second.values) < 3e-6


def test_layers(folder: Path) -> None:
    spoken = clips(0.5)
    every = extractor(folder, layer="all").extract(spoken)[0].values
    assert every.shape == (24, 4, 32)
    np.testing.assert_allclose(every[:, -1], extractor(folder).extract(spoken)[0].values, atol=1e-6)
    np.testing.assert_allclose(
        every[:, 1], extractor(folder, layer=1).extract(spoken)[0].values, atol=1e-6
    )
    assert np.abs(every[:, 1] - every[:, 2]).max() > 0.01
    with pytest.raises(MmserError, match=r"a layer from 0 to 3 .*; found layer=9"):
        extractor(folder, layer=9).extract(spoken)


def test_an_offset_of_the_sound_leaves_the_first_norm_exact(folder: Path) -> None:
    """Its variance is read from a covariance: an offset a hundred times the sound's own level."""
    from transformers import AutoModel

    shifted = Clip("shifted", clips(0.5)[0].waveform + 1.0)
    (found,) = extractor(folder, level="none").extract([shifted])
    original = AutoModel.from_pretrained(folder).eval().double()
    with torch.inference_mode():
        heard = torch.from_numpy(shifted.waveform)[None].double()
        expected = original(heard).last_hidden_state[0].numpy()
    assert distance(found.values, expected) < 1e-4


def test_bfloat16_is_near_and_named(folder: Path) -> None:
    spoken = clips(0.5)
    exact = extractor(folder).extract(spoken)[0].values
    coarse = extractor(folder, precision="bfloat16")
    assert 0 < distance(coarse.extract(spoken)[0].values, exact) < 0.1
    assert coarse.parameters()["precision"] == "bfloat16"


def test_the_fingerprint_follows_the_weights(folder: Path) -> None:
    before = extractor(folder).parameters()["weights"]
    assert before.startswith("sha256:")
    config = folder / "config.json"
    config.write_text(config.read_text() + " ")
    assert extractor(folder).parameters()["weights"] != before


def test_a_folder_in_weights_folder_stands_for_the_hub_id(folder: Path) -> None:
    by_name = extractor(folder, weights=f"someone/{folder.name}", weights_folder=str(folder.parent))
    assert by_name.parameters()["weights"] == extractor(folder).parameters()["weights"]


def test_missing_and_unfitting_checkpoints_say_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    commit = "0" * 40
    missing = Wav2Vec2(weights="nobody/nothing", revision=commit, weights_folder="w")
    assert missing.parameters()["weights"] == f"hub:nobody/nothing@{commit}"
    with pytest.raises(
        MmserError,
        match=r"nothing at .*w/nothing.*hf download nobody/nothing --revision 0+ --local-dir",
    ):
        missing.extract(clips(0.3))
    with pytest.raises(MmserError, match=r"a pinned `revision` for the hub id nobody/nothing"):
        Wav2Vec2(weights="nobody/nothing", revision="main").parameters()
    with pytest.raises(MmserError, match="a checkpoint of size 768; found 32"):
        extractor(folder, size=768).extract(clips(0.3))
