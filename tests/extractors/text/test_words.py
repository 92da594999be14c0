"""Numbers of words."""

from __future__ import annotations

import numpy as np
import pytest
from makers.clips import transcript

from mmser.core.clip import Clip
from mmser.core.words import word_id
from mmser.extractors.text.words import Words


def test_words_have_stable_numbers() -> None:
    features = Words().extract([Clip("c", transcript=transcript())])[0]
    spoken = ["well", "i", "don't", "know", "it's", "half-empty"]
    assert features.values.tolist() == [word_id(word) for word in spoken]
    assert features.values.dtype == np.int32
    assert features.spans[:, 0].tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.5, 0.6])
    assert len(Words(limit=2).extract([Clip("c", transcript=transcript())])[0].spans) == 2
