"""A store in memory: features that are used once, such as those of a disturbed test set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.cache.entry import Entry, prepare, span_key, value_key
from mmser.cache.index import OK, as_table
from mmser.cache.rows import Row
from mmser.core.clip import Failure, Features

if TYPE_CHECKING:
    import pandas as pd


class MemoryStore:
    """A `mmser.cache.feature_store.FeatureStore` over extracted features."""

    def __init__(self, info: Mapping[str, Any], results: Mapping[str, Features | Failure]) -> None:
        """``results`` by utterance id are held in the dtype of ``info``, the facts of a store."""
        self.info = dict(info)
        self._rows: dict[str, Row] = {}
        self._tensors: dict[str, np.ndarray] = {}
        for identifier, result in results.items():
            self._rows[identifier], tensors = prepare(
                Entry(identifier, "", result), self.info["dtype"], None
            )
            self._tensors |= tensors

    def __contains__(self, identifier: object) -> bool:
        row = self._rows.get(identifier) if isinstance(identifier, str) else None
        return row is not None and row["status"] == OK

    def knows(self, identifier: str) -> bool:
        """Whether the utterance has a row, done or failed."""
        return identifier in self._rows

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per utterance, done or failed."""
        return as_table(list(self._rows.values()))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Utterances that have values."""
        return tuple(identifier for identifier in self._rows if identifier in self)

    def unchecked_bytes(self) -> int:
        """None: there is no file."""
        return 0

    def check(self, identifiers: Iterable[str] | None = None) -> None:
        """There is no file that could be damaged."""

    def read(self, identifier: str) -> np.ndarray:
        """Values (time, *feature)."""
        return self._tensors[value_key(identifier)]

    def spans(self, identifier: str) -> np.ndarray | None:
        """(time, 2) start and end seconds, None where the rows have no spans."""
        return self._tensors.get(span_key(identifier))

    def frame_rate(self, identifier: str) -> float | None:
        """Rows per second, None where rows are not evenly spaced in time."""
        rate: float | None = self._rows[identifier]["frame_rate"]
        return rate

    def length(self, identifier: str) -> int:
        """Number of rows in time."""
        length: int = self._rows[identifier]["length"]
        return length

    def lengths(self, identifiers: Iterable[str]) -> np.ndarray:
        """(row,) the same of many utterances; 0 for one that has no values."""
        return np.array([self.length(one) if one in self else 0 for one in identifiers], np.int64)
