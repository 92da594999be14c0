"""Cosine distance of layers, against SciPy."""

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from mmser.core.errors import MmserError
from mmser.metrics.layer_distance import layer_distances

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(3, 4)).astype(np.float32)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(layer_distances({"a.weight": first}, {"a.weight": second})["distance"][0])


def test_identities() -> None:
    assert distance(X, X) == pytest.approx(0, abs=1e-12)
    assert distance(X, -X) == pytest.approx(2)
    assert distance(X, 3 * X) == pytest.approx(0, abs=1e-12)
    assert np.isnan(distance(X * 0, X))


def test_against_scipy_in_network_order_without_norms_and_biases() -> None:
    before = {
        "z.weight": X,
        "z.bias": X[0],
        "bn.weight": X[0],
        "a.weight": GENERATOR.normal(size=(2, 3, 3)),
    }
    after = {name: values + GENERATOR.normal(size=values.shape) for name, values in before.items()}
    table = layer_distances(before, after)
    assert table["layer"].tolist() == ["z", "a"]
    for layer, found in table.itertuples(index=False):
        pair = before[f"{layer}.weight"].ravel(), after[f"{layer}.weight"].ravel()
        assert found == pytest.approx(cosine(*pair))


def test_another_shape_is_an_error() -> None:
    with pytest.raises(MmserError, match=r"layer a of shape \(3, 4\) in both; found it differs"):
        distance(X, X[:2])
