"""Folders of recordings with ``metadata.csv`` or ``.jsonl``: audiofolder and videofolder.

The form is that of Hugging Face: a table in the folder, or in each split's, whose ``file_name`` is
relative to its own folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mmser.core.errors import listed_faults
from mmser.core.folders import files_below
from mmser.core.paths import is_there
from mmser.core.spelling import spelling
from mmser.core.table_file import as_text, read_text_table
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.drafts.known_columns import OTHER_NAMES, SPLIT_WORDS

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE, FURTHER = "file_name", "_file_name"
SPLITS = {SPLIT_COLUMN, *OTHER_NAMES[SPLIT_COLUMN]}


def metadata_files(folder: Path) -> list[Path]:
    """The tables below a folder that name its recordings so; none where there are no such."""
    tables = [path for path in files_below(folder) if path.name in NAMES]
    # One without such a column is somebody's own of this name.
    return [path for path in tables if any(map(_is_file_column, read_text_table(path)))]


def read_metadata(tables: Iterable[Path], folder: Path) -> pd.DataFrame:
    """All rows with absolute paths; folders called train, test, ... tell the split.

    Raises MmserError naming the files that are not there, or lie elsewhere: the folder may be a
    stranger's.
    """
    parts = [_table(path, folder) for path in tables]
    whole = as_text(pd.concat(parts, ignore_index=True))
    columns = [name for name in whole if _is_file_column(name)]
    start = os.path.normpath(folder.absolute())
    files = [Path(cell) for name in columns for cell in whole[name].dropna()]
    lost = [f"no {file}" for file in files if not is_there(file, Path.is_file)]
    lost += [f"{file} outside" for file in files if not file.is_relative_to(start)]
    if lost:
        raise listed_faults(
            f"the recordings that the metadata tell of, in {folder}", lost, "Put them there."
        )
    # ``video_file_name`` says what kind of file it names.
    return whole.rename(columns={name: str(name).removesuffix(FURTHER) for name in columns})


def _table(path: Path, folder: Path) -> pd.DataFrame:
    table = read_text_table(path)
    columns = [name for name in table if _is_file_column(name)]
    for name in columns:
        table[name] = [
            None if cell is None else os.path.normpath(path.parent.absolute() / cell)
            for cell in table[name]
        ]
    if not SPLITS & {spelling(str(name)) for name in table}:
        splits = [_split(row, folder) for row in table[columns].itertuples(index=False)]
        if any(splits):
            table[SPLIT_COLUMN] = pd.Series(splits, index=table.index, dtype=object)
    return table


def _split(files: Iterable[str | None], folder: Path) -> str | None:
    """What the folders above a row's first file say."""
    named = Path(next((file for file in files if file is not None), folder)).absolute()
    start = os.path.normpath(folder.absolute())
    inside = named.relative_to(start).parts[:-1] if named.is_relative_to(start) else ()
    return next((SPLIT_WORDS[part.lower()] for part in inside if part.lower() in SPLIT_WORDS), None)


def _is_file_column(name: object) -> bool:
    return name == FILE or str(name).endswith(FURTHER)
