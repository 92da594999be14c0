"""Stores of several corpora, read as one: the utterances of all of them under their own ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    from mmser.cache.store import Store


class JoinedStore:
    """Offers what `mmser.cache.store.Store` offers; every call goes to the store of the utterance's
    corpus.
    """

    def __init__(self, stores: Mapping[str, Store]) -> None:
        """``stores`` by corpus. Raises MmserError unless one extractor with one set of parameters
        made them all.
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
        self._home: dict[str, Store] = {}
        for corpus, store in stores.items():
            for identifier in store.index["id"]:
                if identifier in self._home:
                    raise MmserError(
                        "ids that no two corpora share",
                        f"{identifier} again in {corpus}",
                        "Rename it.",
                    )
                self._home[identifier] = store

    def __contains__(self, identifier: object) -> bool:
        return (
            isinstance(identifier, str)
            and identifier in self._home
            and identifier in self._home[identifier]
        )

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per utterance of any corpus, done or failed."""
        return pd.concat([store.index for store in self.stores.values()], ignore_index=True)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Utterances that have values, corpus by corpus."""
        return tuple(identifier for store in self.stores.values() for identifier in store.ids)

    def read(self, identifier: str) -> np.ndarray:
        """Values (time, *feature) in the stored dtype."""
        return self._of(identifier).read(identifier)

    def spans(self, identifier: str) -> np.ndarray | None:
        """(time, 2) float32 start and end seconds of each row, None where the rows
        have no spans.
        """
        return self._of(identifier).spans(identifier)

    def frame_rate(self, identifier: str) -> float | None:
        """Rows per second, None where rows are not evenly spaced in time."""
        return self._of(identifier).frame_rate(identifier)

    def length(self, identifier: str) -> int:
        """Number of rows in time, without reading values."""
        return self._of(identifier).length(identifier)

    def unchecked_bytes(self) -> int:
        """What `check` would read."""
        return sum(store.unchecked_bytes() for store in self.stores.values())

    def check(self, identifiers: Iterable[str] | None = None) -> None:
        """Read through the files of every store, or those that hold the utterances ``identifiers``.

        Raises MmserError when one is damaged.
        """
        wanted = None if identifiers is None else list(identifiers)
        for store in self.stores.values():
            store.check(wanted)

    def _of(self, identifier: str) -> Store:
        if identifier not in self._home:
            raise MmserError(
                f"utterance {identifier} in the caches of {', '.join(self.stores)}",
                "no such row",
                "Preprocess again.",
            )
        return self._home[identifier]
