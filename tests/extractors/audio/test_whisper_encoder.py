"""Whisper's encoder: the original's numbers, windows, layers and statistics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import whisper
from makers.whisper_network import whisper_network, write_checkpoint
from whisper.model import ModelDimensions

from mmser.core.clip import SAMPLE_RATE, Clip
from mmser.core.errors import MmserError
from mmser.extractors.audio.whisper_encoder import WhisperEncoder

SIZES = ModelDimensions(80, 1500, 32, 2, 3, 51865, 32, 32, 2, 1)


def sound(seconds: float, seed: int = 0) -> Clip:
    samples = np.random.default_rng(seed).normal(0, 0.1, round(seconds * SAMPLE_RATE))
    return Clip(f"c{seed}", samples.astype(np.float32))


@pytest.fixture(scope="module")
def network() -> whisper.Whisper:
    return whisper_network(SIZES)


@pytest.fixture(scope="module")
def checkpoint(network: whisper.Whisper, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_checkpoint(network, tmp_path_factory.mktemp("whisper") / "toy.pt"))


def values(extractor: WhisperEncoder, *clips: Clip) -> list[np.ndarray]:
    return [result.values for result in extractor.extract(clips)]


def test_the_last_layer_is_the_originals(network: whisper.Whisper, checkpoint: str) -> None:
    clip = sound(1.01)
    (frames,) = values(WhisperEncoder(weights=checkpoint, size=32), clip)
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(clip.waveform))
    with torch.inference_mode():
        expected = network.encoder(mel[None])[0].numpy()
    assert frames.shape == (51, 32)
    np.testing.assert_allclose(frames, expected[:51], atol=1e-5)


def test_a_folder_of_transformers_gives_the_originals_layers(tmp_path: Path) -> None:
    from transformers import WhisperConfig, WhisperModel

    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=32, encoder_layers=3, encoder_attention_heads=2, encoder_ffn_dim=128,
        decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=128, vocab_size=60,
        max_target_positions=16, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    model = WhisperModel(config).eval()
    model.save_pretrained(tmp_path / "toy")
    clip = sound(0.7)
    (frames,) = values(WhisperEncoder(weights=str(tmp_path / "toy"), size=32, layer="all"), clip)
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(clip.waveform))[None]
    with torch.inference_mode():
        output = model.encoder(mel, output_hidden_states=True)
    expected = [*output.hidden_states[1:-1], output.last_hidden_state]
    np.testing.assert_allclose(frames, torch.stack(expected, dim=2)[0, :35].numpy(), atol=1e-5)


def test_a_batch_equals_single_utterances(checkpoint: str) -> None:
    extractor = WhisperEncoder(weights=checkpoint, size=32, short_window=2.0, batch_seconds=500)
    clips = [sound(seconds, seed) for seed, seconds in enumerate([0.5, 31.0, 2.0, 2.5])]
    together = values(extractor, *clips)
    for clip, one in zip(clips, together, strict=True):
        np.testing.assert_allclose(values(extractor, clip)[0], one, atol=1e-5)


def test_bfloat16_is_near_and_named(checkpoint: str) -> None:
    exact = WhisperEncoder(weights=checkpoint, size=32, short_window=1.0)
    coarse = WhisperEncoder(weights=checkpoint, size=32, short_window=1.0, precision="bfloat16")
    (expected,), (found,) = values(exact, sound(1.0)), values(coarse, sound(1.0))
    assert 0 < np.linalg.norm(found - expected) / np.linalg.norm(expected) < 0.1
    assert coarse.parameters()["precision"] == "bfloat16"


def test_longer_sound_is_windows_one_after_the_other(checkpoint: str) -> None:
    extractor = WhisperEncoder(weights=checkpoint, size=32)
    clip = sound(31.0)
    (frames,) = values(extractor, clip)
    first, second = clip.waveform[: 30 * SAMPLE_RATE], clip.waveform[30 * SAMPLE_RATE :]
    apart = values(extractor, Clip("a", first), Clip("b", second))
    np.testing.assert_allclose(frames, np.concatenate(apart), atol=1e-5)


@pytest.mark.parametrize("layer", [-1, 2, "all"])
def test_statistics_are_those_of_the_frames(checkpoint: str, layer) -> None:
    clip = sound(1.0)
    (frames,) = values(WhisperEncoder(weights=checkpoint, size=32, layer=layer), clip)
    extractor = WhisperEncoder(weights=checkpoint, size=32, layer=layer, statistics=True)
    (statistics,) = values(extractor, clip)
    expected = np.concatenate([frames.mean(axis=0), frames.std(axis=0)], axis=-1)[None]
    assert statistics.shape[-1] == extractor.feature_size == 64
    np.testing.assert_allclose(statistics, expected, atol=1e-5)


def test_a_superb_probe_from_statistics_equals_the_frame_wise_one(checkpoint: str) -> None:
    """Softmax-weighted layers, a linear projection, the mean over time (Yang et al., 2021)."""
    clip, generator = sound(1.3), np.random.default_rng(1)
    (frames,) = values(WhisperEncoder(weights=checkpoint, size=32, layer="all"), clip)
    (statistics,) = values(
        WhisperEncoder(weights=checkpoint, size=32, layer="all", statistics=True), clip
    )
    mix = generator.dirichlet(np.ones(3))
    projection, bias = generator.normal(size=(32, 8)), generator.normal(size=8)
    frame_wise = (np.einsum("tls,l->ts", frames, mix) @ projection + bias).mean(axis=0)
    from_means = np.einsum("ls,l->s", statistics[0, :, :32], mix) @ projection + bias
    np.testing.assert_allclose(from_means, frame_wise, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 64}, "size 64; found 32"),
        ({"size": 32, "layer": 4}, "a layer from 1 to 3"),
        ({"size": 32, "layer": 0}, "a layer from 1 to 3"),
    ],
)
def test_other_sizes_and_layers_are_refused(checkpoint: str, arguments, message: str) -> None:
    with pytest.raises(MmserError, match=message):
        WhisperEncoder(weights=checkpoint, **arguments).extract([sound(0.2)])


def test_a_window_of_no_length_is_refused() -> None:
    with pytest.raises(MmserError, match="at most 30 seconds"):
        WhisperEncoder(short_window=31.0)


@pytest.mark.parametrize("content", [{"dims": {}}, {"dims": {"n_audio_head": 2}}, [1]])
def test_a_file_that_is_no_whisper_is_refused(tmp_path: Path, content) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(MmserError, match="a Whisper checkpoint in"):
        WhisperEncoder(weights=str(tmp_path / "other.pt"), size=32).extract([sound(0.2)])


def test_missing_weights_say_how_to_get_them() -> None:
    with pytest.raises(MmserError, match=r"mmser weights get tiny\.en"):
        WhisperEncoder(weights="nowhere/tiny.en.pt").parameters()
