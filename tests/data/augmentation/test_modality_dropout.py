"""Dropout of modalities never takes all of them."""

from __future__ import annotations

import numpy as np
import pytest
from makers.samples import change, sample

from mmser.data.augmentation.modality_dropout import ModalityDropout
from mmser.data.sample import Track


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
