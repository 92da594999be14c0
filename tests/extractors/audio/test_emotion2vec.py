"""emotion2vec from a file laid out like the published one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from makers.clips import speechlike
from makers.emotion2vec_file import published
from safetensors.torch import save_file

from mmser.core.batch import Stream
from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.audio.emotion2vec import Emotion2Vec
from mmser.extractors.spectral.level import levelled
from mmser.models.encoders.audio.emotion2vec.encoder import Emotion2Vec as Network
from mmser.models.encoders.audio.emotion2vec.encoder import from_checkpoint

SIZES = {
    "size": 32,
    "layers": 3,
    "prenet": 1,
    "heads": 4,
    "inner_size": 48,
    "channels": 8,
    "groups": 4,
    "tokens": 3,
}


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network(1, **SIZES).eval()


@pytest.fixture(scope="module")
def file(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("emotion2vec") / "emotion2vec_base.pt"
    torch.save({"model": published(network, prenet=1)}, path)
    return path


def extracted(file: Path, clips: list[Clip], **options) -> list:
    return Emotion2Vec(weights=str(file), size=32, device="cpu", **options).extract(clips)


@pytest.mark.parametrize(
    ("embedding", "rows"), [("frames", 24), ("utterance", 1), ("mean", 1), ("chunk", 3)]
)
def test_it_is_the_network_of_the_file(
    network: Network, file: Path, embedding: str, rows: int
) -> None:
    waveform = speechlike(0.5, 1)
    values = torch.from_numpy(levelled(waveform, "zscore"))[None]
    network.embedding = embedding
    with torch.no_grad():
        expected = network(Stream(values, torch.ones(1, 8000, dtype=torch.bool))).values[0].numpy()
    (found,) = extracted(file, [Clip("x", waveform)], embedding=embedding)
    assert found.values.shape == (rows, 32)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    if embedding == "frames":
        assert found.frame_rate == 50.0
    else:
        np.testing.assert_array_equal(found.spans, [[0.0, 0.5]] * rows)


def test_the_mean_is_that_of_the_frames(file: Path) -> None:
    """What the released code calls utterance."""
    clips = [Clip("x", speechlike(0.5, 1)), Clip("y", speechlike(0.9, 2))]
    for frames, mean in zip(
        extracted(file, clips), extracted(file, clips, embedding="mean"), strict=True
    ):
        np.testing.assert_allclose(mean.values[0], frames.values.mean(axis=0), atol=1e-5)


def test_statistics_are_those_of_the_frames(file: Path) -> None:
    clips = [Clip("x", speechlike(0.5, 1)), Clip("y", speechlike(0.9, 2))]
    found = extracted(file, clips, statistics=True)
    for clip, frames, both in zip(clips, extracted(file, clips), found, strict=True):
        assert both.values.shape == (1, 64)
        np.testing.assert_allclose(both.values[0, :32], frames.values.mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(both.values[0, 32:], frames.values.std(axis=0), atol=1e-5)
        np.testing.assert_allclose(both.spans, [[0, len(clip.waveform) / 16_000]], rtol=1e-6)
    plain, other = (Emotion2Vec(weights=str(file), size=32, statistics=s) for s in (False, True))
    assert (plain.dtype, other.dtype, other.feature_size) == ("float16", "float32", 64)
    assert other.parameters().keys() - plain.parameters().keys() == {"statistics"}
    with pytest.raises(MmserError, match=r"embedding=frames .*found embedding=chunk"):
        Emotion2Vec(weights=str(file), embedding="chunk", statistics=True)


def test_longer_clips_change_nothing(file: Path) -> None:
    clips = [Clip(str(n), speechlike(seconds, n)) for n, seconds in enumerate((0.3, 1.1, 0.6))]
    together = extracted(file, clips)
    for clip, found in zip(clips, together, strict=True):
        np.testing.assert_allclose(found.values, extracted(file, [clip])[0].values, atol=1e-5)


def test_bfloat16_comes_near(file: Path) -> None:
    clip = Clip("x", speechlike(0.5, 1))
    whole, half = (
        extracted(file, [clip], precision=precision)[0].values
        for precision in ("float32", "bfloat16")
    )
    assert 0 < np.linalg.norm(whole - half) < 0.05 * np.linalg.norm(whole)


def test_the_file_says_how_large_the_network_is(file: Path) -> None:
    found = from_checkpoint(file)
    assert {name: tensor.shape for name, tensor in found.state_dict().items()} == {
        name: tensor.shape for name, tensor in Network(1, **SIZES).state_dict().items()
    }
    with pytest.raises(MmserError, match=r"a checkpoint of size 768; found 32 in .*\.pt"):
        Emotion2Vec(weights=str(file)).extract([Clip("x", speechlike(0.1, 1))])


def test_other_files_are_refused(network: Network, tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(
        MmserError,
        match=r"the tensors of emotion2vec; found no backbone.blocks.0.fc1.weight among 1",
    ):
        extracted(tmp_path / "w.safetensors", [Clip("x", speechlike(0.1, 1))])
    tensors = published(network, prenet=1)
    # What served pre-training alone is left behind, what lies in the encoder is not.
    decoder = {"d2v_model.modality_encoders.AUDIO.decoder.proj.weight": torch.ones(1)}
    save_file(tensors | decoder, tmp_path / "w.safetensors")
    assert from_checkpoint(tmp_path / "w.safetensors").output_size == network.output_size
    save_file(tensors | {"d2v_model.blocks.0.attn.gate": torch.ones(1)}, tmp_path / "w.safetensors")
    with pytest.raises(
        MmserError, match=r"emotion2vec in .*; found no place for blocks\.0\.attn\.gate"
    ):
        from_checkpoint(tmp_path / "w.safetensors")
    with pytest.raises(MmserError, match="the weights of emotion2vec; found nothing at"):
        extracted(tmp_path / "none.pt", [Clip("x", speechlike(0.1, 1))])
