"""Extractors that want another rate than 16 kHz get sound that was decoded at it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmser.cache.fingerprint import recipe_of
from mmser.cache.store import Store
from mmser.composition import built
from mmser.core.clip import Clip, Features
from mmser.core.configs import config_names, load_config
from mmser.core.utterance import Utterance
from mmser.extraction.preprocess import preprocess
from mmser.extractors.audio.waveform_frames import WaveformFrames
from mmser.extractors.spectral.level import prepared
from mmser.media.resampling import resampled
from mmser.media.write import write_wav

AT_22_KHZ = (
    "mfcc_metaser",
    "spectrogram_nonverbal",
    "spectrogram_real",
    "waveform_22k",
    "waveform_frames",
)
NOISE = (np.random.default_rng(2).standard_normal(22_050) * 0.1).astype(np.float32)


def values_of(name: str, clip: Clip) -> np.ndarray:
    (features,) = built(load_config("extractor", name)).extract([clip])
    assert isinstance(features, Features)
    return features.values


def test_these_extractors_want_another_rate() -> None:
    asked = {
        name: load_config("extractor", name).get("sample_rate", 16_000)
        for name in config_names("extractor")
    }
    assert {name: rate for name, rate in asked.items() if rate != 16_000} == dict.fromkeys(
        AT_22_KHZ, 22_050
    )


@pytest.mark.parametrize("name", AT_22_KHZ)
def test_sound_decoded_at_their_rate_is_what_they_hear(name: str) -> None:
    extractor = built(load_config("extractor", name))
    assert extractor.sample_rate == 22_050 and recipe_of(name, extractor).version == 2
    decoded = values_of(name, Clip("u", np.zeros(16_000, np.float32), waveforms={22_050: NOISE}))
    np.testing.assert_array_equal(decoded, values_of(name, Clip("u", waveforms={22_050: NOISE})))
    assert decoded.std() > 0
    if name.startswith("waveform"):
        np.testing.assert_array_equal(decoded.flatten(), NOISE)


@pytest.mark.parametrize("name", AT_22_KHZ)
def test_a_clip_made_by_hand_is_resampled_without_images(name: str) -> None:
    waveform = NOISE[:16_000]
    expected = values_of(name, Clip("u", waveforms={22_050: resampled(waveform, 16_000, 22_050)}))
    np.testing.assert_array_equal(values_of(name, Clip("u", waveform)), expected)


@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("mfcc40", "adf4d6e33cd6"),
        ("waveform", "a0a077ed05ee"),
        ("log_mel", "b31a93050a19"),
        ("spectrogram", "3c0fd8fa17e4"),
    ],
)
def test_caches_of_16_khz_keep_their_fingerprint(name: str, fingerprint: str) -> None:
    assert recipe_of(name, built(load_config("extractor", name))).fingerprint == fingerprint


def test_a_fixed_length_is_in_seconds_at_any_rate() -> None:
    assert len(prepared(NOISE, "peak", "whole", 0.5, 22_050)) == 11_025
    assert len(prepared(NOISE, "peak", "cut", 2.0, 22_050)) == 44_100


def test_a_corpus_is_decoded_at_the_rates_its_extractors_ask_for(tmp_path: Path) -> None:
    class Listed:
        name = "listed"

        def utterances(self):
            yield Utterance("u", "listed", "s", start=0.1, end=0.6, audio_path=tmp_path / "a.wav")

    time = np.arange(44_100) / 44_100
    high = 0.25 * np.sin(2 * np.pi * 10_000 * time)
    write_wav(
        tmp_path / "a.wav",
        (high + 0.25 * np.sin(2 * np.pi * 500 * time)).astype(np.float32),
        44_100,
    )
    extractors = {"low": built(load_config("extractor", "waveform")), "high": WaveformFrames()}
    table = preprocess(Listed(), extractors, tmp_path / "cache", progress=False).set_index(
        "extractor"
    )
    for name, rate, tones in (("low", 16_000, [500]), ("high", 22_050, [500, 10_000])):
        values = Store(table["directory"][name]).read("u").flatten()
        assert len(values) == rate / 2
        spectrum = np.abs(np.fft.rfft(values)) / len(values) * 2  # bins of 2 Hz
        assert [int(at) * 2 for at in np.flatnonzero(spectrum > 0.1)] == tones


def test_sound_at_16_khz_is_not_decoded_where_nobody_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Clip] = []

    class Listening(WaveformFrames):
        def extract(self, clips):
            heard.extend(clips)
            return super().extract(clips)

    class Listed:
        name = "listed"

        def utterances(self):
            yield Utterance("u", "listed", "s", audio_path=tmp_path / "a.wav")

    write_wav(tmp_path / "a.wav", NOISE, 22_050, kind="float32")
    preprocess(Listed(), {"high": Listening()}, tmp_path / "cache", progress=False)
    assert [(clip.waveform, list(clip.waveforms)) for clip in heard] == [(None, [22_050])]
    np.testing.assert_array_equal(heard[0].sound(22_050), NOISE)
