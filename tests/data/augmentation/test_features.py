"""SpecAugment, modality dropout and Gaussian noise on features."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.augmentation.gaussian_noise import GaussianNoise
from mmser.data.augmentation.modality_dropout import ModalityDropout
from mmser.data.augmentation.spec_augment import SpecAugment
from mmser.data.sample import Sample, Track


class Nobody:
    ids: tuple[str, ...] = ()


def sample(steps: int = 200, size: int = 30, **streams: Track | None) -> Sample:
    values = np.random.default_rng(0).normal(size=(steps, size)).astype(np.float32)
    return Sample("u", {"audio": Track(values, 100.0)} | streams, {})


def change(augmentation, given: Sample, seed: int) -> Sample:
    return augmentation(given, np.random.default_rng(seed), 0, Nobody())


@pytest.mark.parametrize("seed", range(20))
def test_masks_stay_within_their_widths(seed):
    given = sample()
    before = given.streams["audio"].values
    after = (
        change(SpecAugment(time_masks=1, time_width=40, frequency_masks=1), given, seed)
        .streams["audio"]
        .values
    )
    changed = before != after
    whole_steps, whole_bands = changed.all(axis=1), changed.all(axis=0)
    assert whole_steps.sum() <= 40 and whole_bands.sum() <= 8
    for blank in (whole_steps, whole_bands):
        assert (np.diff(blank.astype(int)) == 1).sum() <= 1
    # Nothing else changed, and what changed is the coefficient's mean.
    assert not changed[~whole_steps][:, ~whole_bands].any()
    assert np.allclose(
        after[changed], np.broadcast_to(before.mean(axis=0), before.shape)[changed], atol=1e-6
    )


def test_a_short_utterance_loses_no_more_than_its_share():
    given = sample(steps=10)
    for seed in range(30):
        after = (
            change(SpecAugment(time_masks=1, frequency_masks=0), given, seed)
            .streams["audio"]
            .values
        )
        assert (after != given.streams["audio"].values).all(axis=1).sum() <= 2


def test_one_number_per_step_has_no_bands():
    with pytest.raises(MmserError, match="features in stream 'audio'; found one number per step"):
        change(SpecAugment(), Sample("u", {"audio": Track(np.zeros(5, np.float32))}, {}), 0)


def test_dropout_never_takes_everything():
    given = sample(text=Track(np.arange(3)), face=None)
    rates = {"audio": 0, "text": 0}
    for seed in range(2000):
        after = change(ModalityDropout(0.4), given, seed).streams
        present = {name for name, track in after.items() if track is not None}
        assert present and present <= {"audio", "text"}
        for name in rates:
            rates[name] += name not in present
    # 0.4 each, of which half of the joint 0.16 is given back to either.
    assert rates["audio"] / 2000 == pytest.approx(0.32, abs=0.03)
    assert rates["text"] / 2000 == pytest.approx(0.32, abs=0.03)


def test_dropout_can_be_kept_to_some_streams():
    given = sample(text=Track(np.arange(3)))
    assert all(
        change(ModalityDropout(1.0, ["text"]), given, s).streams["audio"] is not None
        for s in range(5)
    )
    assert all(
        change(ModalityDropout(1.0, ["text"]), given, s).streams["text"] is None for s in range(5)
    )


def test_gaussian_noise_has_its_deviation():
    given = sample(2000)
    noise = (
        change(GaussianNoise(deviation=0.3), given, 0).streams["audio"].values
        - given.streams["audio"].values
    )
    assert noise.std() == pytest.approx(0.3, rel=0.02) and noise.mean() == pytest.approx(
        0, abs=0.01
    )
    with pytest.raises(MmserError, match="features in stream 'audio'; found whole numbers"):
        change(GaussianNoise(), Sample("u", {"audio": Track(np.arange(4))}, {}), 0)
