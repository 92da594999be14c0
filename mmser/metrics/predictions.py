"""The predictions table: read anyone's and check it.

One row per (utterance, condition, fold, seed). Needed are ``target`` and ``prediction`` (class
names), or ``target_<value>`` and ``prediction_<value>`` (numbers), or both. Optional: ``id``,
``corpus``, ``speaker``, ``session``, ``condition``, ``fold``, ``seed`` and one
``probability_<class>`` per class. An empty target is an unlabelled utterance; it is kept and left
out of every score.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError, listed_faults
from mmser.core.table_file import read_table_file
from mmser.core.tables import CLEAN
from mmser.core.target_sets.target_set import TargetSet
from mmser.core.task import KINDS

FILE_NAME = "predictions.parquet"
_TEXTS = ("corpus", "speaker", "session", "fold")
_DEFAULTS: dict[str, str | int] = {**dict.fromkeys(_TEXTS, ""), "condition": CLEAN, "seed": 0}
MOST_SEED = 2**62
"""Beyond this a seed is taken for a mistake."""
_KEY = ["condition", "fold", "seed", "id"]


def read_predictions(path: str | Path, unlabelled: bool = False) -> pd.DataFrame:
    """A checked predictions table from a .csv or .parquet file, or from a run's folder.

    ``unlabelled`` also takes one in which no class is known, which nothing can be scored by.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    if not path.is_file():
        raise MmserError(
            "a predictions table (.csv or .parquet) or a run's folder that holds one",
            f"no file {path}",
            "Check the path; a run gets its table from `mmser evaluate run=DIR`.",
        )
    # Text as written: a class called "none" or "NA" stays a class, only an empty cell is missing.
    table = read_table_file(path, "Write it again.")
    return checked_predictions(table, path.name, unlabelled)


def checked_predictions(
    table: pd.DataFrame, name: str = "the table", unlabelled: bool = False
) -> pd.DataFrame:
    """A copy with every column of PREDICTION_COLUMNS, class names as text, numbers as float.

    Raises MmserError when columns are missing or do not belong together, an utterance occurs twice,
    a prediction is missing, or targets and predictions share no label; without ``unlabelled`` also
    when every target is empty.
    """
    if table.empty:
        raise MmserError(f"predictions in {name}", "no rows", "Write one row per utterance.")
    table = table.reset_index(drop=True)
    if not any(kind.has_columns(table, name) for kind in KINDS):
        first, *others = (kind.columns_needed for kind in KINDS)
        raise MmserError(
            f"the columns {first} in {name} (or {', or '.join(others)})",
            f"{', '.join(map(str, table.columns))}",
            "Rename the columns.",
        )
    for column, default in _DEFAULTS.items():
        if column not in table:
            table[column] = default
    table["id"] = _ids(table["id"], name) if "id" in table else table.index.astype(str)
    table["seed"] = _seeds(table["seed"], name)
    table["condition"] = _texts(table["condition"], CLEAN)
    for column in _TEXTS:
        table[column] = _texts(table[column], "")
    for kind in KINDS:
        table = kind.checked(table, name)
    if not unlabelled and "target" in table and table["target"].isna().all():
        raise MmserError(
            f"targets in {name}", "an empty target in every row", "Fill the target column."
        )
    _refuse_duplicates(table, name)
    return table


def target_sets_of(table: pd.DataFrame, name: str = "the table") -> tuple[TargetSet, ...]:
    """The target sets whose columns a predictions table has."""
    sets = [kind.in_table(table, name) for kind in KINDS]
    return tuple(each for each in sets if each is not None)


def _texts(column: pd.Series, empty: str) -> pd.Series:
    """Cells as text, ``empty`` for empty ones."""
    return column.map(lambda cell: empty if pd.isna(cell) else str(cell)).astype(object)


def _ids(column: pd.Series, name: str) -> pd.Series:
    empty = [f"row {row + 1}" for row in np.flatnonzero(column.isna())]
    if empty:
        raise listed_faults(
            f"an id in every row of {name}", empty, "Fill them in, or leave the column out."
        )
    return column.astype(str)


def _seeds(column: pd.Series, name: str) -> pd.Series:
    """Whole numbers; an empty cell is seed 0."""
    seeds = pd.to_numeric(column, errors="coerce")
    wrong = column[column.notna() & ~((seeds % 1 == 0) & (seeds.abs() < MOST_SEED))]
    if len(wrong):
        cells = [f"'{cell}'" for cell in wrong.unique()]
        raise listed_faults(f"whole numbers in column seed of {name}", cells, "Number the seeds.")
    return seeds.fillna(0).astype("int64")


def _refuse_duplicates(table: pd.DataFrame, name: str) -> None:
    twice = table[table.duplicated(_KEY)]
    if len(twice):
        raise MmserError(
            f"one row per utterance, condition, fold and seed in {name}",
            f"{twice['id'].iloc[0]} more than once ({len(twice)} such rows)",
            "Add a fold, seed or condition column that tells them apart.",
        )
