"""Decision fusion: the ends are the two systems, equal systems stay, the weight
follows validation.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.late_fusion.log_posterior import choose_weight, fuse_log_posteriors

CLASSES = ["probability_a", "probability_b", "probability_c"]


def table(shares: list[list[float]], targets: str = "") -> pd.DataFrame:
    rows = pd.DataFrame(shares, columns=CLASSES)
    rows["id"] = [f"u{i}" for i in range(len(rows))]
    rows["prediction"] = ["abc"[int(np.argmax(row))] for row in shares]
    return rows.assign(condition="clean", fold="f", seed=0, target=list(targets or "a" * len(rows)))


ONE = table([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
OTHER = table([[0.2, 0.5, 0.3], [0.3, 0.3, 0.4]])


def test_weight_one_is_the_first_and_zero_the_second() -> None:
    shuffled = OTHER.iloc[::-1]
    for weight, expected in ((1.0, ONE), (0.0, OTHER)):
        fused = fuse_log_posteriors(ONE, shuffled, weight)
        np.testing.assert_allclose(fused[CLASSES], expected[CLASSES])
        assert fused["prediction"].tolist() == expected["prediction"].tolist()


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_equal_models_are_unchanged(weight: float) -> None:
    np.testing.assert_allclose(fuse_log_posteriors(ONE, ONE, weight)[CLASSES], ONE[CLASSES])


def test_half_is_the_geometric_mean() -> None:
    wanted = np.sqrt(ONE[CLASSES].to_numpy() * OTHER[CLASSES].to_numpy())
    wanted /= wanted.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(fuse_log_posteriors(ONE, OTHER, 0.5)[CLASSES], wanted)


def test_the_weight_is_the_best_on_validation() -> None:
    right = table([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]], "abc")
    wrong = table([[0.05, 0.9, 0.05], [0.05, 0.05, 0.9], [0.9, 0.05, 0.05]], "abc")
    assert choose_weight(right, wrong) > 0.7
    assert choose_weight(wrong, right) < 0.3
    assert choose_weight(right, right) == 0.5


def test_other_utterances_and_weights_are_refused() -> None:
    with pytest.raises(MmserError, match="a weight from 0 to 1; found 2"):
        fuse_log_posteriors(ONE, OTHER, 2)
    with pytest.raises(
        MmserError, match=r"two tables of the same utterances .* found 2 and 1 rows"
    ):
        fuse_log_posteriors(ONE, OTHER.iloc[:1], 0.5)
