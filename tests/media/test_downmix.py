"""The down-mix against the weights of ITU-R BS.775, and channels that cancel."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from mmser.media.downmix import DownMix, weights

RANDOM = np.random.default_rng(5)
SPEECH = RANDOM.standard_normal(4000).astype(np.float32) * np.float32(0.1)


@pytest.mark.parametrize(
    "names", [("FL", "FR", "FC", "LFE", "BL", "BR"), ("FL", "FR", "FC", "LFE", "SL", "SR")]
)
def test_surround_sound_has_the_standards_weights(names: tuple[str, ...]) -> None:
    # Table 2 of the standard, 3/2 to 1/0: left and right .7071, centre 1, surround .5, no bass
    # channel.
    expected = np.array([sqrt(0.5), sqrt(0.5), 1.0, 0.0, 0.5, 0.5])
    np.testing.assert_allclose(weights(names), expected / expected.sum(), rtol=1e-6)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("FC",), [1.0]),
        (("FL", "FR"), [0.5, 0.5]),
        (("NONE", "NONE"), [0.5, 0.5]),
        (("FL", "FR", "LFE"), [0.5, 0.5, 0.0]),
        (("NONE",) * 5, [0.2] * 5),
        (("LFE",), [1.0]),
    ],
)
def test_weights_by_name(names: tuple[str, ...], expected: list[float]) -> None:
    np.testing.assert_allclose(weights(names), expected, rtol=1e-6)


def test_six_and_eight_channels_without_names_are_51_and_71() -> None:
    five = ("FL", "FR", "FC", "LFE", "BL", "BR")
    np.testing.assert_array_equal(weights(("NONE",) * 6), weights(five))
    np.testing.assert_array_equal(weights(("NONE",) * 8), weights((*five, "SL", "SR")))


@pytest.mark.parametrize("count", [1, 2, 6, 8, 64])
def test_full_scale_stays_full_scale(count: int) -> None:
    mixed = DownMix(("NONE",) * count)(np.ones((10, count), np.float32))
    np.testing.assert_allclose(mixed.mono, 1.0, rtol=1e-6)


def test_stereo_is_the_plain_mean_bit_for_bit() -> None:
    samples = RANDOM.standard_normal((3000, 2)).astype(np.float32)
    mean = samples.T.mean(axis=0, dtype=np.float32)
    np.testing.assert_array_equal(DownMix(("FL", "FR"))(samples).rows[0], mean)


def test_the_bass_channel_is_not_heard() -> None:
    samples = np.zeros((4000, 6), np.float32)
    samples[:, 2] = SPEECH
    samples[:, 3] = 1.0
    mono = DownMix(("FL", "FR", "FC", "LFE", "BL", "BR"))(samples).mono
    np.testing.assert_allclose(mono / SPEECH, mono[0] / SPEECH[0], rtol=1e-4)


@pytest.mark.parametrize("residue", [0.0, 1e-3])
@pytest.mark.parametrize("level", [1.0, 0.8])
def test_channels_in_opposite_phase_give_one_of_them(level: float, residue: float) -> None:
    left = level * SPEECH
    right = residue * RANDOM.standard_normal(4000).astype(np.float32) - SPEECH
    mixed = DownMix(("FL", "FR"))(np.stack([left, right], axis=1))
    np.testing.assert_array_equal(mixed.mono, left)
    assert mixed.channel == "channel 1 of 2"


@pytest.mark.parametrize(
    "right",
    [
        SPEECH,
        0 * SPEECH,
        -0.5 * SPEECH,
        RANDOM.standard_normal(4000).astype(np.float32) * np.float32(0.1),
    ],
    ids=["alike", "silent", "partly opposite", "independent"],
)
def test_other_pairs_are_mixed(right: np.ndarray) -> None:
    mixed = DownMix(("FL", "FR"))(np.stack([SPEECH, right], axis=1))
    np.testing.assert_allclose(mixed.mono, (SPEECH + right) / 2, atol=1e-7)


def test_one_loud_microphone_of_many_does_not_cancel() -> None:
    samples = RANDOM.standard_normal((4000, 64)).astype(np.float32) * np.float32(1e-3)
    samples[:, 17] = SPEECH
    mixed = DownMix(("NONE",) * 64)(samples)
    assert mixed.channel == "channel 18 of 64"
    np.testing.assert_array_equal(mixed.mono, mixed.rows[0])


def test_the_channel_stays_the_one_first_heard() -> None:
    mix = DownMix(("FL", "FR"))
    quiet, loud = np.zeros((10, 2), np.float32), np.tile(np.float32([0.1, -0.2]), (10, 1))
    assert [mix(block).channel[8] for block in (quiet, loud, loud[:, ::-1])] == ["1", "2", "2"]
