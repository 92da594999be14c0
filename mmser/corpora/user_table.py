"""Finding and reading the table that a user writes of a corpus: every cell as text, or missing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mmser.core.errors import MmserError, listed_faults
from mmser.core.paths import is_there
from mmser.core.spelling import spelling
from mmser.core.table_file import read_text_table
from mmser.corpora.layout import unpacked
from mmser.corpora.manifest import FIELDS

LAYOUT = (
    "a manifest.csv or manifest.parquet with the columns id, speaker, audio_path, "
    "video_path, transcript, emotion"
)
FILES = ("manifest.csv", "manifest.tsv", "manifest.parquet")
WORKBOOKS = ("manifest.xlsx", "manifest.xls", "manifest.ods")
REQUIRED = ("id", "speaker")


def has_table(root: Path) -> bool:
    """Whether ``root`` is a file, or a folder that holds a table under one of its names."""
    return root.is_file() or any((root / name).is_file() for name in FILES)


def table_path(root: Path) -> Path:
    """The table that ``root`` is, or that lies in that folder. Raises MmserError for none."""
    folders = [root, unpacked(root)] if root.is_dir() else [root.parent]
    names = FILES if root.is_dir() else (root.name,)
    for path in (folder / name for folder in folders for name in names):
        if is_there(path):
            return path
    for path in (folder / name for folder in folders for name in WORKBOOKS):
        if is_there(path):
            raise MmserError(LAYOUT, f"a workbook, {path}", "Save it as csv (Excel: 'CSV UTF-8').")
    raise MmserError(
        LAYOUT, f"no such file at {root}", "Write one, or set corpus.root to the file."
    )


def read_user_table(path: Path) -> pd.DataFrame:
    """The table with every cell as text or None.

    Raises MmserError when a column is missing, there twice or misspelt, or there are no rows.
    """
    table = read_text_table(path)
    columns = [str(name) for name in table.columns]
    _check_columns(columns, path)
    if table.empty:
        raise MmserError(f"rows in {path}", "none below the header", "Write one row per utterance.")
    table.columns = pd.Index(columns)
    return table


def _check_columns(columns: list[str], path: Path) -> None:
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise MmserError(
            f"each column once in {path}", f"{', '.join(repeated)} twice", "Rename or remove one."
        )
    # "Audio Path" is meant to be audio_path, and would be a further column of the user's own.
    meant = {spelling(name).replace(" ", "_").replace("-", "_"): name for name in columns}
    misspelt = [name for name in FIELDS if name not in columns and name in meant]
    if misspelt:
        raise listed_faults(
            f"columns spelt as the documentation has them in {path}",
            [f"'{meant[name]}' (write {name})" for name in misspelt],
            "Rename them.",
        )
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise MmserError(
            f"a column '{missing[0]}' in {path}",
            f"only {', '.join(columns)}",
            "Add it; every row needs a value.",
        )
