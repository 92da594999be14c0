"""A faster utterance is shorter and higher, and its times follow."""

from __future__ import annotations

import numpy as np
import pytest
from makers.samples import Speakers, tone

from mmser.data.augmentation.speed_perturbation import SpeedPerturbation
from mmser.data.sample import Sample, Track


def loudest(values: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(values)).argmax() * 16000 / len(values))


def test_faster_is_shorter_and_higher_and_times_follow():
    text = Track(np.arange(1), spans=np.array([[0.5, 1.0]], np.float32))
    face = Track(np.ones((3, 2), np.float32), 3.0)
    sample = Sample("a", {"audio": tone(440), "text": text, "face": face}, {}, duration=1.0)
    faster = SpeedPerturbation(rates=[1.25])(sample, np.random.default_rng(0), 0, Speakers())
    assert len(faster.streams["audio"]) == 12800 and faster.streams["audio"].frame_rate == 16000
    assert loudest(faster.streams["audio"].values) == pytest.approx(550, abs=2)
    assert np.allclose(faster.streams["text"].spans, [[0.4, 0.8]])
    assert faster.streams["face"].times()[-1, 1] == pytest.approx(0.8)
    assert faster.duration == pytest.approx(0.8)
