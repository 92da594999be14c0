"""What a reader of features asks of a store, wherever the features lie.

Three classes fulfil it: `mmser.cache.store.Store` (one folder on the disk),
`mmser.cache.memory.MemoryStore` (features that are used once) and
`mmser.cache.joined.JoinedStore` (the stores of several corpora).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class FeatureStore(Protocol):
    """The features of one stream, by utterance id.

    ``id in store`` means: has values. An utterance that failed has a row in ``index`` only.
    """

    @property
    def info(self) -> Mapping[str, Any]:
        """The facts of ``info.json`` (JSON values): extractor, parameters, fingerprint, dtype..."""
        ...

    @property
    def index(self) -> pd.DataFrame:
        """One row per utterance, done or failed."""
        ...

    @property
    def ids(self) -> tuple[str, ...]:
        """Utterances that have values."""
        ...

    def __contains__(self, identifier: object) -> bool: ...

    def knows(self, identifier: str) -> bool:
        """Whether the utterance has a row, done or failed."""
        ...

    def read(self, identifier: str) -> np.ndarray:
        """Values (time, *feature) in the stored dtype; whoever changes them makes a copy first."""
        ...

    def spans(self, identifier: str) -> np.ndarray | None:
        """(time, 2) float32 start and end seconds of each row, None where rows have no spans."""
        ...

    def frame_rate(self, identifier: str) -> float | None:
        """Rows per second, None where rows are not evenly spaced in time."""
        ...

    def length(self, identifier: str) -> int:
        """Number of rows in time, without reading values."""
        ...

    def lengths(self, identifiers: Iterable[str]) -> np.ndarray:
        """(row,) the same of many utterances; 0 for one that has no values."""
        ...

    def unchecked_bytes(self) -> int:
        """Bytes of files that `check` would read through."""
        ...

    def check(self, identifiers: Iterable[str] | None = None) -> None:
        """Read the files through that hold these utterances (default: all).

        Raises MmserError when one is missing or damaged.
        """
        ...
