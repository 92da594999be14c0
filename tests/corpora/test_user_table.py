"""The table a user writes: where it lies, and what its cells read as."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.corpora.user_table import read_user_table, table_path


def test_the_table_is_the_root_or_lies_in_it(tmp_path: Path) -> None:
    path = tmp_path / "manifest.tsv"
    path.touch()
    assert table_path(tmp_path) == table_path(path) == path
    with pytest.raises(MmserError, match="no such file at"):
        table_path(tmp_path / "other.csv")


def test_cells_of_any_type_become_text(tmp_path: Path) -> None:
    cells = pd.DataFrame({"id": [1, 2], "speaker": ["s ", " "], "turn": [2.5, np.nan]})
    cells["words"] = [[{"text": "so", "start": np.float32(0.5)}], None]
    path = tmp_path / "manifest.parquet"
    cells.to_parquet(path)
    first, second = read_user_table(path).to_dict("records")
    assert (first["id"], first["speaker"], first["turn"]) == ("1", "s", "2.5")
    assert first["words"] == '[{"text": "so", "start": 0.5}]'
    assert (second["speaker"], second["turn"], second["words"]) == (None, None, None)


def test_no_rows_and_a_column_that_comes_twice(tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("id,speaker\n", encoding="utf-8")
    with pytest.raises(MmserError, match="none below the header"):
        read_user_table(path)
    path.write_text("id,speaker,speaker\na,s,t\n", encoding="utf-8")
    with pytest.raises(MmserError, match="speaker"):
        read_user_table(path)
