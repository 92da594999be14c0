"""A table on the disk that grows by pieces: what one step adds is a file of its own.

Beside ``index.parquet`` lie ``index-00001.parquet``, ``index-00002.parquet``, ... while a store is
filled, each the rows of one step. Together they are the table; of rows with one id the last counts,
in its own place. When they are put together the table is replaced first and the pieces are removed
after that, oldest first: those that a crash leaves are the table's last rows once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmser.cache.ids import Ids, joined
from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pyarrow as pa

_READ_TOGETHER = 200

TRIES = 5
"""How often a reader begins again because a writer put the pieces together meanwhile."""


def piece_path(path: Path, number: int) -> Path:
    """Where a piece of the table ``path`` lies."""
    return path.with_name(f"{path.stem}-{number:05d}{path.suffix}")


def pieces_of(path: Path) -> list[Path]:
    """The pieces of the table ``path``, in order."""
    pieces = []
    for piece in path.parent.glob(f"{path.stem}-*{path.suffix}"):
        number = piece.stem.removeprefix(f"{path.stem}-")
        if number.isdecimal():
            pieces.append((int(number), piece))
    return [piece for _, piece in sorted(pieces)]


def read_whole(path: Path, read: Callable[[Path], pa.Table]) -> pa.Table:
    """The table ``path`` with its pieces, each file by ``read``, in one chunk."""
    import pyarrow as pa

    for _ in range(TRIES):
        pieces = pieces_of(path)
        table = read(path)
        try:
            newer = list(_together(pieces, read))
        except MmserError:
            if all(piece.exists() for piece in pieces):
                raise
            continue
        if newer:
            table = pa.concat_tables([table, *newer])
        # Chunks and what they are joined to are not both kept.
        table = table.combine_chunks()
        return latest(table) if newer else table
    raise MmserError(
        f"a table at {path} that nobody rewrites while it is read",
        "one that is rewritten again and again",
        "Wait until the command that writes it ends.",
    )


def _together(pieces: Sequence[Path], read: Callable[[Path], pa.Table]) -> Iterator[pa.Table]:
    """The pieces, some hundreds in one table: a small table takes more memory than its rows."""
    import pyarrow as pa

    for at in range(0, len(pieces), _READ_TOGETHER):
        some = [read(piece) for piece in pieces[at : at + _READ_TOGETHER]]
        yield pa.concat_tables(some).combine_chunks()


def latest(table: pa.Table) -> pa.Table:
    """The last row of each id, in the order of the rows; the table is in one chunk."""
    if not Ids(joined(table["id"])).repeated:
        return table
    ids = table["id"].to_pylist()
    places = dict(zip(ids, range(len(ids)), strict=True))
    return table.take(np.sort(np.fromiter(places.values(), np.int64, len(places))))
