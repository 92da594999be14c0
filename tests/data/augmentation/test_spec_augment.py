"""Masks of time and frequency stay within their widths."""

from __future__ import annotations

import numpy as np
import pytest
from makers.samples import change, sample

from mmser.core.errors import MmserError
from mmser.data.augmentation.spec_augment import SpecAugment
from mmser.data.sample import Sample, Track


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
