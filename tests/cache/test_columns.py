"""Rows kept as columns are the rows that dictionaries were."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd
import pytest
from makers.cache_stores import entries, fill

from mmser.cache.index import as_table, read_columns, read_rows, write_index
from mmser.core.errors import MmserError


def rows_of(folder: Path) -> list[dict]:
    """Rows of a store, one of them failed, one without a rate, one with what only it has."""
    rows = read_rows(fill(folder, entries(4)) / "index.parquet")
    rows[1] |= {"frame_rate": None, "notes": None, "spans": True}
    rows[2] |= {"status": "failed", "error": "silence", "detail": "all of it", "shard": ""}
    return rows


def test_a_row_is_what_was_written(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    write_index(tmp_path / "index.parquet", rows)
    read = read_columns(tmp_path / "index.parquet")
    again = pickle.loads(pickle.dumps(read))  # noqa: S301 - our own object
    for either in (read, again):
        assert [either[row["id"]] for row in rows] == rows
        assert list(either) == [row["id"] for row in rows] and len(either) == 4
        kinds = [[type(cell) for cell in row.values()] for row in either.values()]
        assert kinds == [[type(cell) for cell in row.values()] for row in rows]
    with pytest.raises(KeyError):
        read["unknown"]
    pd.testing.assert_frame_equal(as_table(read), as_table(rows), check_dtype=False)


def test_of_two_rows_with_one_id_the_later_counts(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    rows.append(rows[0] | {"length": 99})
    write_index(tmp_path / "index.parquet", rows)
    read = read_columns(tmp_path / "index.parquet")
    expected = {row["id"]: row for row in rows}
    assert dict(read) == expected and list(read) == list(expected)
    assert as_table(read)["length"].tolist() == [row["length"] for row in expected.values()]


def test_no_rows(tmp_path: Path) -> None:
    write_index(tmp_path / "index.parquet", [])
    read = read_columns(tmp_path / "index.parquet")
    assert dict(read) == {} and len(as_table(read)) == 0
    assert read.distinct([], ["shard", "checksum"]) == []


def test_a_row_without_what_it_must_have_is_refused(tmp_path: Path) -> None:
    rows = rows_of(tmp_path)
    rows[3]["checksum"] = None
    write_index(tmp_path / "index.parquet", rows)
    with pytest.raises(MmserError, match="rows without checksum"):
        read_columns(tmp_path / "index.parquet")
