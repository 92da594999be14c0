"""Tables that lack a column, or cannot be read, are refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.core.tables import read_curve, read_parquet, require_columns


def test_missing_columns_are_named_beside_those_that_are_there() -> None:
    table = pd.DataFrame({"id": [], "Fold": []})
    require_columns(table, ("id",), "a table")
    with pytest.raises(MmserError, match="no column fold, label among id, Fold"):
        require_columns(table, ("id", "fold", "label"), "a table")


def test_a_parquet_table_comes_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a"], "length": [3]})
    table.to_parquet(tmp_path / "index.parquet")
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "index.parquet"), table)


def test_a_missing_and_a_damaged_parquet_table_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"no such file\. Repeat it\."):
        read_parquet(tmp_path / "index.parquet", "Repeat it.")
    (tmp_path / "index.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(MmserError, match=r"a readable parquet table.* Write it anew\."):
        read_parquet(tmp_path / "index.parquet")


def test_a_learning_curve_may_be_empty_or_cut_off_and_nothing_else(tmp_path: Path) -> None:
    curve = tmp_path / "metrics.csv"
    curve.touch()
    assert read_curve(curve).empty
    curve.write_text("epoch,loss\n0,1.5\n1", encoding="utf-8")
    assert read_curve(curve)["epoch"].tolist() == [0, 1]
    curve.write_text("epoch\n0,1,2\n1,2,3,4\n", encoding="utf-8")
    with pytest.raises(MmserError, match="a learning curve"):
        read_curve(curve)
