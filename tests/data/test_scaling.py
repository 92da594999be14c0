"""Moments against NumPy, in one go and in chunks."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.scaling import Moments, Scaler, SpeakerScaler, fit_scale


def test_chunks_give_the_moments_of_the_whole():
    generator = np.random.default_rng(0)
    # A large offset: naive sums of squares in float32 lose everything here.
    chunks = [
        generator.normal(1e4, 0.5, (int(n), 3)).astype(np.float32)
        for n in generator.integers(1, 200, 30)
    ]
    whole = np.concatenate(chunks).astype(np.float64)
    scale = fit_scale(chunks)
    assert np.allclose(scale.mean, whole.mean(axis=0), rtol=1e-6)
    assert np.allclose(scale.deviation, whole.std(axis=0), rtol=1e-5)
    assert scale.mean.dtype == scale.deviation.dtype == np.float32


def test_float16_frames_become_float32_scores():
    frames = np.random.default_rng(0).normal(2, 3, (50, 4)).astype(np.float16)
    scores = Scaler(fit_scale([frames]))(frames, "anyone")
    assert scores.dtype == np.float32
    assert np.allclose(scores.mean(axis=0), 0, atol=1e-4) and np.allclose(
        scores.std(axis=0), 1, atol=1e-3
    )


def test_a_constant_coefficient_is_centred_only():
    assert fit_scale([np.full((5, 2), 7.0, np.float32)])(
        np.array([[7.0, 9.0]], np.float32)
    ).tolist() == [[0.0, 2.0]]


def test_layers_and_waveforms_have_their_own_shapes():
    assert fit_scale([np.ones((5, 12, 8), np.float32)]).mean.shape == (12, 8)
    assert fit_scale([np.ones(5, np.float32)]).mean.shape == ()


def test_empty_arrays_add_nothing():
    moments = Moments()
    moments.add(np.empty((0, 3), np.float32))
    with pytest.raises(MmserError, match="at least one frame to fit a scaler on; found none"):
        moments.scale()


def test_each_speaker_has_their_own_scale():
    low, high = np.array([[0.0], [2.0]], np.float32), np.array([[10.0], [30.0]], np.float32)
    scaler = SpeakerScaler({"low": fit_scale([low]), "high": fit_scale([high])})
    assert scaler(low, "low").tolist() == scaler(high, "high").tolist() == [[-1.0], [1.0]]
    with pytest.raises(
        MmserError, match="per-speaker statistics of 'new'; found those of 2 other speakers"
    ):
        scaler(low, "new")
