"""Class weights worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.core.errors import MmserError, UsageError
from mmser.data.class_weights import class_weights


def test_inverse_weights_give_every_class_the_same_mass():
    weights = class_weights((30, 10))
    assert np.allclose(weights, [2 / 3, 2.0]) and weights.dtype == np.float32
    assert np.allclose(weights * [30, 10], 20)


def test_effective_number_lies_between_none_and_inverse():
    counts = np.array([1000, 10])
    effective = class_weights(counts, "effective", beta=0.99)
    raw = (1 - 0.99) / (1 - 0.99**counts)
    assert np.allclose(effective[1] / effective[0], raw[1] / raw[0], rtol=1e-5)
    assert 1 < effective[1] / effective[0] < 100
    assert np.isclose((effective * counts).sum(), counts.sum())


def test_an_empty_class_is_an_error():
    with pytest.raises(MmserError, match=r"at least one training utterance per class; found counts \[3, 0\]"):
        class_weights([3, 0])
    with pytest.raises(UsageError, match="inverse or effective"):
        class_weights([3, 1], "sqrt")
