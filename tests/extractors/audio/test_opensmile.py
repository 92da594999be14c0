"""openSMILE's sets: names, numbers and the 45 columns of IAAN."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from makers.clips import speechlike, tone

from mmser.core.clip import Clip
from mmser.core.configs import load_config
from mmser.core.errors import MmserError

opensmile = pytest.importorskip("opensmile")
from mmser.extractors.audio.opensmile import OpenSmile  # noqa: E402
from mmser.extractors.spectral.mel import cepstra, differences, mel_filters  # noqa: E402


def test_functionals_equal_the_package() -> None:
    waveform = speechlike(1.0, 1)
    ours = OpenSmile().extract([Clip("x", waveform)])[0].values
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    assert ours.shape == (1, 88)
    np.testing.assert_array_equal(ours, smile.process_signal(waveform, 16_000).to_numpy(np.float32))


def test_one_engine_for_many_signals_gives_what_one_for_each_gives(monkeypatch) -> None:
    """Loud, short and silent ones after one another, past the renewal of the engine."""
    from mmser.extractors.spectral import smile_engine

    monkeypatch.setattr(smile_engine, "_SIGNALS", 3)
    silence = np.zeros(8_000, np.float32)
    waveforms = [speechlike(0.7, 1), silence, tone(0.1, 300), speechlike(1.2, 2), tone(0.4, 90)]
    made = OpenSmile(level="LowLevelDescriptors")
    clips = [Clip(str(place), waveform) for place, waveform in enumerate(waveforms)]
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel[made.level])
    for waveform, features in zip(waveforms, made.extract(clips), strict=True):
        expected = smile.process_signal(waveform, 16_000).to_numpy(np.float32)
        np.testing.assert_array_equal(features.values, expected)


def test_pitch_of_a_tone() -> None:
    made = OpenSmile(
        feature_set="ComParE_2016", level="LowLevelDescriptors", columns=("F0final_sma",)
    )
    values = made.extract([Clip("x", tone(1.0, 200))])[0].values
    assert np.median(values) == pytest.approx(200, abs=3)


def test_the_45_columns_of_iaan() -> None:
    config = {
        key: value
        for key, value in load_config("extractor", "emobase45").items()
        if key != "_target_"
    }
    made = OpenSmile(**config)
    assert made.names[:9] == (
        "F0_sma", "F0_sma_de", "pcm_loudness_sma", "pcm_loudness_sma_de", "pcm_loudness_sma_de_de",
        "voiceProb_sma", "voiceProb_sma_de", "pcm_zcr_sma", "pcm_zcr_sma_de",
    )  # fmt: skip
    assert made.names[9] == "mfcc_sma[1]"
    assert made.names[-1] == "mfcc_sma_de[12]_de"
    assert len(made.names) == 45


def test_wrong_choices_are_refused() -> None:
    with pytest.raises(
        MmserError, match="deltas beside level=LowLevelDescriptors; found level=Functionals"
    ):
        OpenSmile(deltas=1)
    with pytest.raises(MmserError, match="a column 'pitch' in eGeMAPSv02"):
        OpenSmile(columns=("pitch",)).extract([Clip("x", tone(0.5, 100))])


def test_the_33_columns_of_the_compact_graph_network() -> None:
    made = OpenSmile(feature_set="compact_gcn", level="LowLevelDescriptors")
    values = made.extract([Clip("x", tone(1.0, 200))])[0].values
    assert values.shape[1] == len(made.names) == 33
    assert made.names[13:16] == ("pcm_zcr", "voiceProb", "F0")
    assert made.names[-1] == "pcm_LOGenergy_sma_de"
    assert np.median(values[:, 15]) == pytest.approx(200, abs=8)
    assert made.parameters()["set"].startswith("sha256:")
    with pytest.raises(
        MmserError, match="level=LowLevelDescriptors without deltas for the set compact_gcn"
    ):
        OpenSmile(feature_set="compact_gcn")


def test_the_33_columns_are_those_of_the_released_configuration() -> None:
    """Written as they are; slopes of the means over three frames; power spectrum; energy of the
    frames themselves.
    """
    waveform = speechlike(1.0, 3)
    made = OpenSmile(feature_set="compact_gcn", level="LowLevelDescriptors")
    values = made.extract([Clip("x", waveform)])[0].values.astype(np.float64)
    frames = np.stack([waveform[160 * t : 160 * t + 400] for t in range(len(values))]).astype(
        np.float64
    )

    emphasised = np.concatenate(
        [0.03 * frames[:, :1], frames[:, 1:] - 0.97 * frames[:, :-1]], axis=1
    )
    power = np.abs(np.fft.rfft(emphasised * np.hamming(400) * 32767, 512)) ** 2
    logs = np.log(power @ mel_filters(26, 257, 16_000, 0.0, 8000.0, "htk", "mel", False).T)
    expected = cepstra(logs.astype(np.float32), 13, "htk", 22)
    np.testing.assert_allclose(values[:, 1:13], expected[:, 1:], atol=0.05)
    # Coefficient 0 but for a constant, openSMILE's scale of a sample.
    assert np.ptp(values[:, 0] - expected[:, 0]) < 0.05

    energy = np.log(np.square(frames).mean(axis=1))
    for column, slope in [*zip(range(16), range(16, 32), strict=True), (None, 32)]:
        contour = energy if column is None else values[:, column]
        means = np.convolve(contour, np.ones(3) / 3, mode="same")
        regression = differences(means[:, None].astype(np.float32), 2)[4:-4, 0]
        np.testing.assert_allclose(values[4:-4, slope], regression, atol=2e-4)


def test_the_93_columns_of_the_attention_lstm() -> None:
    made = OpenSmile(feature_set="attention_lstm", level="LowLevelDescriptors")
    waveform = speechlike(1.0, 2)
    values = made.extract([Clip("x", waveform)])[0].values
    assert values.shape[1] == len(made.names) == len(set(made.names)) == 93
    stock = OpenSmile(
        feature_set="ComParE_2016", level="LowLevelDescriptors", columns=("F0final_sma",)
    )
    pitch, known = values[:, 0], stock.extract([Clip("x", waveform)])[0].values[:, 0]
    assert np.median(pitch[pitch > 0]) == pytest.approx(np.median(known[known > 0]), rel=0.02)


def test_the_columns_of_the_attention_lstm_by_kind_and_the_identity_of_its_harmonicity() -> None:
    made = OpenSmile(feature_set="attention_lstm", level="LowLevelDescriptors")
    values = made.extract([Clip("x", speechlike(1.0, 2))])[0].values
    kinds = Counter(name.split("[")[0] for name in made.names)
    several = {
        "mfcc": 15,
        "mfcc_de": 15,
        "pcm_fftMag": 26,
        "logMelFreqBand": 8,
        "lpcCoeff": 8,
        "lspFreq": 8,
    }
    assert {kind: count for kind, count in kinds.items() if count > 1} == several
    single = ("voicingFinalUnclipped logHNR F0final F0raw F0finEnv jitterLocal jitterDDP " "shimmerLocal harmonicERMS "
              "noiseERMS pcm_loudness pcm_loudness_de pcm_zcr")  # fmt: skip
    assert {kind for kind, count in kinds.items() if count == 1} == set(single.split())
    ratio, harmonic, noise = (
        values[:, made.names.index(f"{k}")] for k in ("logHNR", "harmonicERMS", "noiseERMS")
    )
    voiced = (harmonic > 1e-3) & (noise > 1e-3) & (ratio > -90)
    assert voiced.sum() > 30
    np.testing.assert_allclose(
        ratio[voiced], 20 * np.log10(harmonic[voiced] / noise[voiced]), atol=0.1
    )
