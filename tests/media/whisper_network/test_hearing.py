"""Many clips at once against the package's own `transcribe`, one after the other."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from makers.real_weights import placed

from mmser.core.utterance import Utterance, Word
from mmser.media.decode import decode_clips
from mmser.media.transcription.whisper_checkpoint import WhisperCheckpoint
from mmser.media.whisper_network.hearing import hear
from mmser.media.whisper_network.mel import log_mels
from mmser.media.whisper_network.room import in_half, windows_at_once

Said = tuple[str, float, float]


def noise(seconds: float, seed: int) -> np.ndarray:
    waveform = np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16000))
    return waveform.astype(np.float32)


def network_of(vocabulary: int) -> Any:
    """A random one; its words are nonsense, in segments and windows as they come."""
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    model = Whisper(ModelDimensions(80, 1500, 16, 2, 1, vocabulary, 32, 16, 2, 2)).eval()
    with torch.no_grad():
        # Tokens that depend on what is heard and on their place.
        for name, parameter in model.named_parameters():
            if "ln" not in name:
                parameter.normal_(0, 0.6)
    return model


def alone(network: Any, waveform: np.ndarray, language: str | None) -> list[Said]:
    result = network.transcribe(
        waveform,
        language=language,
        word_timestamps=True,
        temperature=0.0,
        condition_on_previous_text=False,
        fp16=False,
        verbose=None,
    )
    words = chain.from_iterable(segment["words"] for segment in result["segments"])
    return [
        (word["word"].strip(), float(word["start"]), float(word["end"]))
        for word in words
        if word["word"].strip()
    ]


def said(words: tuple[Word, ...]) -> list[Said]:
    return [(word.text, word.start, word.end) for word in words]


@pytest.mark.parametrize(("vocabulary", "language"), [(51864, None), (51865, None), (51865, "de")])
def test_words_and_times_are_the_packages_own(vocabulary: int, language: str | None) -> None:
    network = network_of(vocabulary)
    sounds = [noise(0.005, 1), noise(1.3, 2), noise(2.9, 3), noise(30.4, 4), noise(0.6, 5)]
    expected = [alone(network, sound, language) for sound in sounds]
    assert len({len(words) for words in expected}) > 2 and expected[0] == []
    for at_once in (1, 4):
        found = hear(network, sounds, language, at_once)
        assert [said(words) for words in found] == expected


def test_the_mel_is_the_packages_own() -> None:
    from whisper.audio import log_mel_spectrogram

    sounds = [noise(0.02, 1), noise(1.0, 2), 20 * noise(2.5, 3)]
    found = log_mels(sounds, 80, torch.device("cpu"))
    for sound, mel in zip(sounds, found, strict=True):
        own = log_mel_spectrogram(sound, 80, padding=480000)
        torch.testing.assert_close(mel.beginning(), own[:, :3000], rtol=0, atol=1e-6)
        part = mel.window(1)[:, : len(sound) // 160 - 1]
        torch.testing.assert_close(part, own[:, 1 : len(sound) // 160], rtol=0, atol=1e-6)
        assert not mel.window(1)[:, len(sound) // 160 - 1 :].any()


def test_windows_that_do_not_fit_are_heard_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of(51864)
    sounds = [noise(0.5, seed) for seed in range(3)]
    expected = hear(network, sounds, None, 1)
    whole, sizes = network.encoder.forward, []

    def small(windows: torch.Tensor) -> torch.Tensor:
        sizes.append(len(windows))
        if len(windows) > 1:
            raise torch.OutOfMemoryError("too many")
        return whole(windows)

    monkeypatch.setattr(network.encoder, "forward", small)
    assert [said(words) for words in hear(network, sounds, None, 3)] == [
        said(words) for words in expected
    ]
    assert sizes[:5] == [3, 1, 2, 1, 1]


def test_a_processor_hears_one_window_at_a_time_and_half_weights_stay_right() -> None:
    network = network_of(51864)
    assert windows_at_once(network) == 1
    window = torch.randn(1, 80, 3000, generator=torch.manual_seed(0)).half()
    before = network.encoder(window)
    assert torch.equal(in_half(network).encoder(window), before)
    assert network.encoder.conv1.weight.dtype == torch.float16


@pytest.mark.real_data
def test_tiny_en_hears_the_same_in_batches(tmp_path: Path) -> None:
    if "MMSER_DATA" not in os.environ:
        pytest.skip("MMSER_DATA is not set")
    folder = Path(os.environ["MMSER_DATA"])
    network = WhisperCheckpoint(str(placed("tiny.en", tmp_path)), "", "cpu").network
    files = sorted((folder / "clips" / "grid").glob("*.mpg"))
    files += sorted(folder.glob("ravdess/Actor_0*/*.flac"))[::40]
    files += sorted(folder.glob("emodb_4class/wav/*.flac"))[::25]
    heard = [Utterance(path.stem, "x", speaker="s", audio_path=path) for path in files]
    sounds = [clip.waveform for clip in decode_clips(heard, True, False)]
    assert len(sounds) >= 30
    found = [said(words) for words in hear(network, sounds, None, 8)]
    assert found == [alone(network, sound, None) for sound in sounds]
