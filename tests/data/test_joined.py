"""One store over the stores of several corpora."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.data.joined import JoinedStore


@dataclass
class OneStore:
    arrays: dict[str, np.ndarray]
    failed: tuple[str, ...] = ()
    info: dict[str, Any] = field(
        default_factory=lambda: {"fingerprint": "aa", "random_weights": False}
    )

    @property
    def ids(self):
        return tuple(self.arrays)

    @property
    def index(self):
        return pd.DataFrame({"id": [*self.arrays, *self.failed]})

    def __contains__(self, identifier):
        return identifier in self.arrays

    def read(self, identifier):
        return self.arrays[identifier]

    def spans(self, identifier):
        return None

    def frame_rate(self, identifier):
        return 100.0

    def length(self, identifier):
        return len(self.arrays[identifier])


def test_every_utterance_is_read_from_its_own_corpus():
    one, two = OneStore({"a": np.ones((3, 2))}, failed=("b",)), OneStore({"c": np.zeros((5, 2))})
    joined = JoinedStore({"first": one, "second": two})
    assert joined.ids == ("a", "c")
    assert list(joined.index["id"]) == ["a", "b", "c"]
    assert "a" in joined and "b" not in joined and "z" not in joined
    assert joined.read("c").sum() == 0 and joined.length("a") == 3
    assert joined.spans("a") is None and joined.frame_rate("c") == 100.0


def test_one_random_store_marks_them_all():
    weights = OneStore({"c": np.zeros((1, 2))}, info={"fingerprint": "aa", "random_weights": True})
    assert JoinedStore({"first": OneStore({"a": np.ones((1, 2))}), "second": weights}).info[
        "random_weights"
    ]


def test_other_parameters_are_refused():
    other = OneStore({"c": np.zeros((1, 2))}, info={"fingerprint": "bb"})
    with pytest.raises(MmserError, match="first: aa, second: bb"):
        JoinedStore({"first": OneStore({"a": np.ones((1, 2))}), "second": other})


def test_a_shared_id_is_refused():
    store = OneStore({"a": np.ones((1, 2))})
    with pytest.raises(MmserError, match="found a again in second"):
        JoinedStore({"first": store, "second": OneStore({"a": np.ones((1, 2))})})


def test_an_unknown_utterance_is_named():
    with pytest.raises(MmserError, match="utterance z in the caches of first"):
        JoinedStore({"first": OneStore({"a": np.ones((1, 2))})}).read("z")
