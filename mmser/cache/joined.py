"""Stores of several corpora, read as one: the utterances of all of them under their own ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pandas as pd

    from mmser.cache.feature_store import FeatureStore


class JoinedStore:
    """A `FeatureStore` whose every call goes to the store of the utterance's corpus."""

    def __init__(self, stores: Mapping[str, FeatureStore]) -> None:
        """``stores`` by corpus.

        Raises MmserError unless one extractor with one set of parameters made them all, or when
        two corpora share an id.
        """
        self.stores = dict(stores)
        marks = {corpus: str(store.info["fingerprint"]) for corpus, store in stores.items()}
        if len(set(marks.values())) > 1:
            raise MmserError(
                "caches of one extractor with the same parameters for every corpus",
                ", ".join(f"{corpus}: {mark}" for corpus, mark in marks.items()),
                "Preprocess the corpora again with the same extractor config.",
            )
        self.info: dict[str, Any] = dict(next(iter(stores.values())).info)
        self.info["random_weights"] = any(
            bool(store.info.get("random_weights")) for store in stores.values()
        )
        earlier: list[FeatureStore] = []
        for corpus, store in stores.items():
            for identifier in store.index["id"] if earlier else ():
                if any(other.knows(identifier) for other in earlier):
                    raise MmserError(
                        "ids that no two corpora share",
                        f"{identifier} again in {corpus}",
                        "Rename it.",
                    )
            earlier.append(store)

    def __contains__(self, identifier: object) -> bool:
        return any(identifier in store for store in self.stores.values())

    def knows(self, identifier: str) -> bool:
        """Whether the utterance has a row, done or failed."""
        return any(store.knows(identifier) for store in self.stores.values())

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per utterance of any corpus, done or failed."""
        import pandas as pd

        return pd.concat([store.index for store in self.stores.values()], ignore_index=True)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Utterances that have values, corpus by corpus."""
        return tuple(chain.from_iterable(store.ids for store in self.stores.values()))

    def read(self, identifier: str) -> np.ndarray:
        """Values (time, *feature) in the stored dtype."""
        return self._owner(identifier).read(identifier)

    def spans(self, identifier: str) -> np.ndarray | None:
        """(time, 2) float32 start and end seconds of each row, None where rows have no spans."""
        return self._owner(identifier).spans(identifier)

    def frame_rate(self, identifier: str) -> float | None:
        """Rows per second, None where rows are not evenly spaced in time."""
        return self._owner(identifier).frame_rate(identifier)

    def length(self, identifier: str) -> int:
        """Number of rows in time, without reading values."""
        return self._owner(identifier).length(identifier)

    def lengths(self, identifiers: Iterable[str]) -> np.ndarray:
        """(row,) the same of many utterances; 0 for one that has no values."""
        ids = list(identifiers)
        # In every store that does not know an utterance it has the length 0.
        return np.sum([store.lengths(ids) for store in self.stores.values()], axis=0)

    def unchecked_bytes(self) -> int:
        """Bytes of files that `check` would read through."""
        return sum(store.unchecked_bytes() for store in self.stores.values())

    def check(self, identifiers: Iterable[str] | None = None) -> None:
        """Read the files of every store through, or those that hold these utterances.

        Raises MmserError when one is missing or damaged.
        """
        ids = None if identifiers is None else list(identifiers)
        for store in self.stores.values():
            store.check(ids)

    def _owner(self, identifier: str) -> FeatureStore:
        # No table of all ids: each process that reads would copy it (see `mmser.cache.ids`).
        for store in self.stores.values():
            if store.knows(identifier):
                return store
        raise MmserError(
            f"utterance {identifier} in the caches of {', '.join(self.stores)}",
            "no such row",
            "Preprocess again.",
        )
