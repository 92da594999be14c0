"""The spectra against torchaudio, SciPy and hand-worked values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torchaudio
from makers.clips import speechlike
from scipy import fft as scipy_fft

from mmser.core.clip import Clip
from mmser.core.configs import load_config
from mmser.extractors.audio.log_mel import LogMel
from mmser.extractors.audio.mfcc import Mfcc
from mmser.extractors.spectral.mel import cepstra, differences, logarithm, mel_filters, standardised
from mmser.extractors.spectral.short_time import framed, preemphasised, window


def values_of(extractor: object, waveform: np.ndarray) -> np.ndarray:
    return extractor.extract([Clip("x", waveform)])[0].values  # type: ignore[attr-defined]


@pytest.mark.parametrize("scale", ["htk", "slaney"])
@pytest.mark.parametrize("area", [False, True])
def test_filters_equal_torchaudio(scale: str, area: bool) -> None:
    ours = mel_filters(40, 257, 16_000, 20.0, 7600.0, scale, "hertz", area)
    theirs = torchaudio.functional.melscale_fbanks(
        257, 20.0, 7600.0, 40, 16_000, "slaney" if area else None, scale
    )
    np.testing.assert_allclose(ours, theirs.numpy().T, atol=5e-6)


def test_filters_straight_in_mel_meet_the_definition() -> None:
    filters = mel_filters(10, 129, 16_000, 100.0, 4000.0, "htk", "mel", False)
    mel = 1127 * np.log1p(np.linspace(0, 8000, 129) / 700)
    edges = np.linspace(1127 * np.log1p(100 / 700), 1127 * np.log1p(4000 / 700), 12)
    for band in range(10):
        low, centre, high = edges[band : band + 3]
        expected = np.maximum(
            0, np.minimum((mel - low) / (centre - low), (high - mel) / (high - centre))
        )
        np.testing.assert_allclose(filters[band], expected, atol=1e-5)


def test_mfcc120_equals_torchaudio() -> None:
    waveform = speechlike(1.0, 1)
    mel = torchaudio.transforms.MelSpectrogram(
        16_000,
        512,
        400,
        160,
        0.0,
        8000.0,
        n_mels=40,
        window_fn=torch.hamming_window,
        center=False,
        mel_scale="htk",
    )
    # torch centres a 400-sample window in its 512-point frame: 56 zeros before the first sample
    # align the frames.
    logs = mel(torch.from_numpy(np.pad(waveform, (56, 56)))).clamp(min=1e-10).log().T
    expected = logs @ torchaudio.functional.create_dct(40, 40, "ortho")
    ours = values_of(Mfcc(difference_order=2), waveform)
    assert ours.shape == (98, 120)
    np.testing.assert_allclose(ours[:, :40], expected.numpy(), atol=2e-3)
    slope = torchaudio.functional.compute_deltas(expected.T, win_length=5).T
    np.testing.assert_allclose(ours[:, 40:80], slope.numpy(), atol=1e-3)
    np.testing.assert_allclose(
        ours[:, 80:], torchaudio.functional.compute_deltas(slope.T, 5).T.numpy(), atol=1e-3
    )


def test_light_sernet_equals_a_direct_evaluation() -> None:
    recipe: dict[str, Any] = {key: value for key, value in load_config("extractor", "mfcc_light_sernet").items()
                              if key != "_target_"}  # fmt: skip
    waveform = speechlike(2.5, 2)
    ours = values_of(Mfcc(**recipe), waveform)

    scaled = np.clip(waveform.astype(np.float64) / np.percentile(np.abs(waveform), 99.9), -1, 1)
    padded = np.pad(scaled, (4000, 4000))
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frames = np.stack(
        [padded[256 * t : 256 * t + 1024] * taper for t in range(1 + (48_000 - 1024) // 256)]
    )
    mel = 1127 * np.log1p(np.arange(513) * 16_000 / 1024 / 700)
    edges = np.linspace(1127 * np.log1p(80 / 700), 1127 * np.log1p(7600 / 700), 130)
    bank = [np.clip(np.minimum((mel - a) / (b - a), (c - mel) / (c - b)), 0, None)
            for a, b, c in zip(edges[:-2], edges[1:-1], edges[2:], strict=True)]  # fmt: skip
    logs = np.log(np.abs(np.fft.rfft(frames)) @ np.array(bank).T + 1e-6)
    order, band = np.arange(40)[:, None], np.arange(128)[None]
    basis = 2 * np.cos(np.pi * order * (2 * band + 1) / 256) / np.sqrt(2 * 128)
    expected = np.clip(logs @ basis.T, -10, 10)
    assert ours.shape == (184, 40)
    np.testing.assert_allclose(ours, expected, atol=1e-3)

    silent = values_of(Mfcc(**recipe), np.zeros(16_000, dtype=np.float32))
    assert np.abs(silent).max() <= 10


@pytest.mark.parametrize("seconds", [2.5, 5.0])
def test_light_sernet_sets_the_level_of_what_it_keeps(seconds: float) -> None:
    """Cut in the middle, then the level, then zeros: neither what is cut away nor
    the zeros count.
    """
    recipe = {
        key: value
        for key, value in load_config("extractor", "mfcc_light_sernet").items()
        if key != "_target_"
    }
    waveform = speechlike(seconds, 2)
    waveform[: round((seconds - 3) / 2 * 16_000) if seconds > 3 else 0] *= (
        20.0  # loud where nothing is kept
    )
    surplus = max(0, len(waveform) - 48_000)
    middle = waveform[surplus // 2 : len(waveform) - surplus // 2]
    scaled = np.clip(middle / np.percentile(np.abs(middle), 99.9), -1, 1).astype(np.float32)
    lacking = 48_000 - len(scaled)
    placed = np.pad(scaled, (lacking // 2, lacking - lacking // 2))
    expected = values_of(Mfcc(**{**recipe, "level": "none"}), placed)
    np.testing.assert_allclose(values_of(Mfcc(**recipe), waveform), expected, atol=1e-4)
    before = values_of(Mfcc(**{**recipe, "level_of": "whole"}), waveform)
    assert (np.abs(before - expected).max() > 0.1) == (seconds > 3)


def test_metaser_needs_no_padding_from_279_seconds_on() -> None:
    recipe = {
        key: value
        for key, value in load_config("extractor", "mfcc_metaser").items()
        if key != "_target_"
    }
    frames = [len(values_of(Mfcc(**recipe), speechlike(seconds, 5))) for seconds in (2.79, 2.75)]
    assert frames == [1 + round(2.79 * 22_050) // 512, 119]
    assert frames[0] >= load_config("system", "metaser")["streams"]["audio"]["limit"] == 120


def test_cnn14_log_mel_equals_torchaudio() -> None:
    waveform = speechlike(1.0, 3)
    mel = torchaudio.transforms.MelSpectrogram(
        16_000,
        512,
        512,
        160,
        50.0,
        8000.0,
        n_mels=64,
        norm="slaney",
        mel_scale="slaney",
        pad_mode="reflect",
    )
    expected = 10 * torch.log10(mel(torch.from_numpy(waveform)).clamp(min=1e-10)).T
    extractor = LogMel(window_ms=32, padding="reflect", bands=64, low_hz=50, mel_scale="slaney", mel_area=True,
                       log="decibel")  # fmt: skip
    ours = values_of(extractor, waveform)
    assert ours.shape == (101, 64)
    np.testing.assert_allclose(ours, expected.numpy(), atol=1e-3)


def test_an_amplitude_rule_on_a_power_doubles_the_decibels() -> None:
    extractor = LogMel(window_ms=128, hop_ms=32, padding="zero", bands=40, mel_scale="slaney", mel_area=True,
                       log="amplitude_decibel", log_floor=1e-5, top_db=80)  # fmt: skip
    waveform = speechlike(1.0, 4)
    once, twice = values_of(extractor, waveform), values_of(extractor, 2 * waveform)
    free = once > once.max() - 79
    np.testing.assert_allclose((twice - once)[free], 12.04, atol=0.01)
    assert np.isclose(once.min(), once.max() - 80)


def test_standardised_clip_has_mean_zero_and_deviation_one() -> None:
    values = np.random.default_rng(0).normal(3, 2, (50, 4)).astype(np.float32)
    values[:, 3] = 7
    scaled = standardised(values, "zscore")
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled[:, :3].std(axis=0), 1, atol=1e-4)
    assert not scaled[:, 3].any()


def test_lifter_and_dct_scalings() -> None:
    logs = np.random.default_rng(1).normal(size=(3, 26)).astype(np.float32)
    plain = cepstra(logs, 13, "orthonormal", 0)
    np.testing.assert_allclose(plain, scipy_fft.dct(logs, norm="ortho")[:, :13], atol=1e-6)
    np.testing.assert_allclose(
        cepstra(logs, 13, "htk", 0)[:, 0], logs.sum(axis=1) * np.sqrt(2 / 26), rtol=1e-5
    )
    np.testing.assert_allclose(
        cepstra(logs, 13, "orthonormal", 22)[:, 11], plain[:, 11] * 12, rtol=1e-5
    )


def test_differences_of_a_ramp_are_its_slope() -> None:
    ramp = 3 * np.arange(10, dtype=np.float32)[:, None]
    assert differences(ramp, 2)[2:-2].ravel().tolist() == [3.0] * 6
    # Edge: frames 0, 0, 0, 3, 6 around the first: (1 * (3 - 0) + 2 * (6 - 0)) / 10.
    assert differences(ramp, 2)[0, 0] == pytest.approx(1.5)


def test_logarithm_kinds() -> None:
    values = np.array([[1e-12, 1.0, 100.0]], dtype=np.float32)
    assert logarithm(values, "decibel", 1e-10)[0].tolist() == pytest.approx([-100, 0, 20])
    assert logarithm(values, "decibel", 1e-10, top_db=30)[0].tolist() == pytest.approx([-10, 0, 20])
    assert logarithm(values, "natural", 0, offset=1.0)[0, 2] == pytest.approx(np.log(101))


def test_frames_start_where_they_should() -> None:
    samples = np.arange(10, dtype=np.float32)
    assert framed(samples, 4, 3, "none").tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert framed(samples[:3], 4, 3, "none").tolist() == [[0, 1, 2, 0]]
    assert framed(samples, 4, 5, "zero").tolist() == [[0, 0, 0, 1], [3, 4, 5, 6], [8, 9, 0, 0]]
    assert framed(samples, 4, 5, "reflect")[0].tolist() == [2, 1, 0, 1]


def test_preemphasis() -> None:
    assert preemphasised(np.array([1, 2, 4], dtype=np.float32), 0.5).tolist() == [0.5, 1.5, 3.0]


def test_windows() -> None:
    np.testing.assert_allclose(window("hamming", 400), torch.hamming_window(400).numpy(), atol=1e-6)
    np.testing.assert_allclose(
        window("hann", 400, False), torch.hann_window(400, periodic=False).numpy(), atol=1e-6
    )
    povey = torch.hann_window(400, periodic=False).pow(0.85).numpy()
    np.testing.assert_allclose(window("povey", 400, False), povey, atol=1e-6)


def test_too_many_coefficients_are_refused() -> None:
    from mmser.core.errors import MmserError

    with pytest.raises(
        MmserError, match="at most as many MFCC coefficients as mel bands; found coefficients=50"
    ):
        Mfcc(coefficients=50)
