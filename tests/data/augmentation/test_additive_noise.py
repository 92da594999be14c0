"""Noise has the ratio to the sound that was drawn."""

from __future__ import annotations

import numpy as np
import pytest
from makers.samples import TIME, Speakers, tone
from scipy.io import wavfile

from mmser.core.errors import MmserError, UsageError
from mmser.data.augmentation.additive_noise import AdditiveNoise
from mmser.data.augmentation.speed_perturbation import SpeedPerturbation
from mmser.data.sample import Sample, Track


@pytest.mark.parametrize("kind", ["white", "pink", "babble", "folder"])
def test_noise_has_the_ratio_drawn(kind, tmp_path):
    wavfile.write(tmp_path / "hum.wav", 16000, (1000 * np.sin(TIME * 300)).astype(np.int16))
    clean = tone(440)
    noisy = AdditiveNoise(kind=kind, snr=(7, 7), probability=1.0, folder=str(tmp_path))(
        Sample("a", {"audio": clean}, {}), np.random.default_rng(0), 0, Speakers()
    )
    noise = noisy.streams["audio"].values - clean.values
    assert 10 * np.log10(np.mean(clean.values**2) / np.mean(noise**2)) == pytest.approx(7, abs=0.1)


def test_babble_is_made_of_other_training_utterances():
    speakers = Speakers()
    change = AdditiveNoise(kind="babble", snr=(0, 0), probability=1.0, talkers=(2, 2))
    noisy = change(Sample("a", {"audio": tone(100)}, {}), np.random.default_rng(0), 0, speakers)
    assert sorted(speakers.asked) == ["b", "c"]
    spectrum = np.abs(np.fft.rfft(noisy.streams["audio"].values - tone(100).values))
    assert sorted(np.argsort(spectrum)[-2:].tolist()) == [500, 1000]


def test_probability_is_the_share_of_noisy_utterances():
    change, sample = (
        AdditiveNoise(probability=0.3),
        Sample("a", {"audio": Track(np.ones(50, np.float32), 16e3)}, {}),
    )
    noisy = [
        change(sample, np.random.default_rng(i), 0, Speakers()) is not sample for i in range(1000)
    ]
    assert np.mean(noisy) == pytest.approx(0.3, abs=0.05)


def test_bad_requests_are_refused(tmp_path):
    features = Sample("a", {"audio": Track(np.ones((5, 4), np.float32), 100.0)}, {})
    with pytest.raises(
        MmserError, match=r"a waveform in stream 'audio'; found steps of shape \(4,\)"
    ):
        SpeedPerturbation()(features, np.random.default_rng(0), 0, Speakers())
    with pytest.raises(MmserError, match="a stream named 'wave' to augment; found streams audio"):
        AdditiveNoise(stream="wave")(features, np.random.default_rng(0), 0, Speakers())
    with pytest.raises(MmserError, match="a folder of wav files; found none"):
        AdditiveNoise(kind="folder", folder=str(tmp_path))
    with pytest.raises(UsageError, match="noise white, pink, babble or folder; found 'brown'"):
        AdditiveNoise(kind="brown")
