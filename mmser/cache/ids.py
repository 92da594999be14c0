"""From an id to the number of its row, without an object of Python for each id."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_OF_A_BUCKET = 2


def joined(chunked: pa.ChunkedArray) -> pa.Array:
    """A column in one piece, without a copy where it is one."""
    return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()


class Ids:
    """Row number by id, over a column of texts.

    The rows are sorted by a checksum of their ids, whose first bits say where to look. That takes
    sixteen bytes a row beside the column itself, and a search a microsecond.
    """

    def __init__(self, column: pa.Array) -> None:
        import pyarrow as pa

        # Offsets of 32 bits end at 2 GiB of ids.
        texts = column.cast(pa.large_binary())
        _, offsets, content = texts.buffers()
        first, count = texts.offset, len(texts)
        self._ends = np.frombuffer(offsets, np.int64)[first : first + count + 1]
        # Arrow's own view is of signed bytes, which equal no others from 128 on.
        self._content = memoryview(content or b"").cast("B")
        sums = np.fromiter(map(crc32, texts.to_pylist()), np.uint32, count)
        bits = max(1, (count // _ROWS_OF_A_BUCKET).bit_length())
        self._shift = 32 - bits
        order = np.argsort(sums, kind="stable")
        sums = sums[order]
        self._rows = order.astype(np.int32 if count < 2**31 else np.int64)
        buckets = np.arange(2**bits + 1, dtype=np.uint64) << np.uint64(self._shift)
        self._starts = np.searchsorted(sums, buckets).astype(np.int64)
        self.repeated = self._has_repeated(np.flatnonzero(sums[1:] == sums[:-1]))
        """Whether some id stands in two rows."""

    def find(self, identifier: str) -> int | None:
        """The number of the id's row, None where it has none."""
        wanted = identifier.encode(errors="surrogatepass")
        bucket = crc32(wanted) >> self._shift
        for at in range(self._starts.item(bucket), self._starts.item(bucket + 1)):
            row = self._rows.item(at)
            if self._content[self._ends.item(row) : self._ends.item(row + 1)] == wanted:
                return row
        return None

    def place(self, identifier: str) -> int:
        """The number of the id's row. Raises KeyError for an unknown id."""
        row = self.find(identifier)
        if row is None:
            raise KeyError(identifier)
        return row

    def _has_repeated(self, neighbours: np.ndarray) -> bool:
        """``neighbours``: places where the next id in the order has the same checksum."""
        run: set[bytes] = set()
        last = -2
        for at in neighbours.tolist():
            # Ids of one checksum stand one after another: each is compared with those before it.
            run = run if at == last + 1 else {self._text(at)}
            text = self._text(at + 1)
            if text in run:
                return True
            run.add(text)
            last = at
        return False

    def _text(self, at: int) -> bytes:
        row = self._rows.item(at)
        return bytes(self._content[self._ends.item(row) : self._ends.item(row + 1)])
