"""One store over the stores of several corpora."""

import numpy as np
import pytest

from mmser.cache.joined import JoinedStore
from mmser.cache.memory import MemoryStore
from mmser.core.clip import Failure, Features
from mmser.core.errors import MmserError

FACTS = {"fingerprint": "aa", "random_weights": False, "dtype": "float32"}


def one_store(
    arrays: dict[str, np.ndarray], failed: tuple[str, ...] = (), **changes: object
) -> MemoryStore:
    results: dict[str, Features | Failure] = {
        name: Features(values, 100.0) for name, values in arrays.items()
    }
    results |= {name: Failure(name, "no face") for name in failed}
    return MemoryStore(FACTS | changes, results)


def test_every_utterance_is_read_from_its_own_corpus() -> None:
    one, two = one_store({"a": np.ones((3, 2))}, failed=("b",)), one_store({"c": np.zeros((5, 2))})
    joined = JoinedStore({"first": one, "second": two})
    assert joined.ids == ("a", "c")
    assert list(joined.index["id"]) == ["a", "b", "c"]
    assert "a" in joined and "b" not in joined and "z" not in joined
    assert joined.read("c").sum() == 0 and joined.length("a") == 3
    assert joined.spans("a") is None and joined.frame_rate("c") == 100.0


def test_one_random_store_marks_them_all():
    weights = one_store({"c": np.zeros((1, 2))}, random_weights=True)
    assert JoinedStore({"first": one_store({"a": np.ones((1, 2))}), "second": weights}).info[
        "random_weights"
    ]


def test_other_parameters_are_refused():
    other = one_store({"c": np.zeros((1, 2))}, fingerprint="bb")
    with pytest.raises(MmserError, match="first: aa, second: bb"):
        JoinedStore({"first": one_store({"a": np.ones((1, 2))}), "second": other})


def test_a_shared_id_is_refused():
    store = one_store({"a": np.ones((1, 2))})
    with pytest.raises(MmserError, match="found a again in second"):
        JoinedStore({"first": store, "second": one_store({"a": np.ones((1, 2))})})


def test_an_unknown_utterance_is_named():
    with pytest.raises(MmserError, match="utterance z in the caches of first"):
        JoinedStore({"first": one_store({"a": np.ones((1, 2))})}).read("z")
