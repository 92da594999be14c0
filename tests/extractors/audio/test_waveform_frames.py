"""Label frames of the waveform: consecutive, whole, ten a second; on a grid of that rate they stay
as they are.
"""

from __future__ import annotations

import numpy as np

from mmser.core.clip import Clip
from mmser.data.sample import Sample, Track
from mmser.data.stream_alignment import StreamAlignment, align
from mmser.extractors.audio.waveform_frames import WaveformFrames


def test_frames_follow_each_other_and_the_last_ends_in_zeros() -> None:
    waveform = np.arange(1, 4001, dtype=np.float32)
    features = WaveformFrames(sample_rate=16_000).extract([Clip("c", waveform)])[0]
    assert features.values.shape == (3, 1600) and features.frame_rate == 10.0
    assert np.array_equal(features.values.flatten()[:4000], waveform)
    assert not features.values.flatten()[4000:].any()


def test_seconds_at_22050_are_frames_of_2205() -> None:
    features = WaveformFrames().extract([Clip("c", np.ones(16_000, np.float32))])[0]
    assert features.values.shape == (10, 2205) and features.frame_rate == 10.0


def test_words_and_frames_share_a_grid() -> None:
    frames = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    words = Track(
        np.ones((2, 3), np.float32), spans=np.array([[0.1, 0.3], [0.5, 0.75]], np.float32)
    )
    sample = align(
        Sample("u", {"waveform": Track(frames, 10.0), "semantic": words}, {}),
        StreamAlignment("grid", 10.0),
    )
    assert np.array_equal(sample.streams["waveform"].values, frames)
    assert sample.streams["semantic"].mask.tolist() == [
        False,
        True,
        True,
        False,
        False,
        True,
        True,
        True,
        False,
    ]
