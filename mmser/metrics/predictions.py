"""The predictions table: read anyone's, check it, say which classes and values it holds.

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

from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError, listed_faults
from mmser.core.spelling import near_equal
from mmser.core.tables import CLEAN, PREDICTION, PROBABILITY, TARGET, read_parquet

FILE_NAME = "predictions.parquet"
_TEXTS = ("corpus", "speaker", "session", "fold")
_DEFAULTS: dict[str, str | int] = {**dict.fromkeys(_TEXTS, ""), "condition": CLEAN, "seed": 0}
MOST_SEED, MOST_NUMBER = 2**62, 1e100
"""Beyond these a number is taken for a mistake, infinity among them."""
_KEY = ["condition", "fold", "seed", "id"]


def read_predictions(path: str | Path) -> pd.DataFrame:
    """A checked predictions table from a .csv or .parquet file, or from a run's folder."""
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
    table = (
        read_parquet(path, "Write it again.") if path.suffix == ".parquet" else read_csv_file(path)
    )
    return checked_predictions(table, path.name)


def checked_predictions(table: pd.DataFrame, name: str = "the table") -> pd.DataFrame:
    """A copy with every column of core.tables.PREDICTION_COLUMNS, class names as text, numbers as
    float.

    Raises MmserError when columns are missing or do not belong together, an utterance occurs twice,
    a prediction is missing, or targets and predictions share no label.
    """
    if table.empty:
        raise MmserError(f"predictions in {name}", "no rows", "Write one row per utterance.")
    table = table.reset_index(drop=True)
    values = values_of(table, name)
    categorical = {"target", "prediction"} <= set(table.columns)
    if not categorical and not values:
        raise MmserError(
            f"the columns target and prediction in {name} (or target_<value> and "
            "prediction_<value>)",
            f"{', '.join(map(str, table.columns))}",
            "Rename the columns.",
        )
    for column, default in _DEFAULTS.items():
        if column not in table:
            table[column] = default
    table["id"] = _ids(table["id"], name) if "id" in table else table.index.astype(str)
    table["seed"] = _seeds(table["seed"], name)
    table["condition"] = (
        table["condition"].map(lambda entry: CLEAN if pd.isna(entry) else str(entry)).astype(object)
    )
    for column in _TEXTS:
        table[column] = (
            table[column].map(lambda entry: "" if pd.isna(entry) else str(entry)).astype(object)
        )
    if categorical:
        table = _checked_labels(table, name)
    for column in [c for c in table.columns if c.startswith(PROBABILITY)] + [
        p + v for v in values for p in _PAIR
    ]:
        table[column] = _numbers(table[column], name)
    _refuse_duplicates(table, name)
    return table


def classes_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The classes of a checked table: its probability columns in order, or else every label that
    occurs, sorted.
    """
    named = tuple(c.removeprefix(PROBABILITY) for c in table.columns if c.startswith(PROBABILITY))
    if "target" not in table:
        return ()
    found = {
        str(label)
        for column in ("target", "prediction")
        for label in table[column].dropna().unique()
    }
    extra = sorted(found - set(named))
    if named and extra:
        raise MmserError(
            "a probability column for every class",
            f"none for {', '.join(extra)}",
            f"Add {', '.join(PROBABILITY + e for e in extra)}, or leave all probabilities out.",
        )
    return named or tuple(extra)


def values_of(table: pd.DataFrame, name: str = "the table") -> tuple[str, ...]:
    """Names of the dimensional values: those with both a target_ and a prediction_ column."""
    targets = [c.removeprefix(TARGET) for c in map(str, table.columns) if c.startswith(TARGET)]
    predictions = [
        c.removeprefix(PREDICTION) for c in map(str, table.columns) if c.startswith(PREDICTION)
    ]
    single = sorted(set(targets) ^ set(predictions))
    if single:
        raise MmserError(
            f"both target_ and prediction_ columns of every value in {name}",
            f"only one of them for {', '.join(single)}",
            "Add or remove the single columns.",
        )
    return tuple(targets)


_PAIR = (TARGET, PREDICTION)


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
        found = [f"'{cell}'" for cell in wrong.unique()]
        raise listed_faults(f"whole numbers in column seed of {name}", found, "Number the seeds.")
    return seeds.fillna(0).astype("int64")


def _label(cell: object) -> str | None:
    return None if cell is None or cell is pd.NA or cell != cell else str(cell).strip() or None


def _checked_labels(table: pd.DataFrame, name: str) -> pd.DataFrame:
    for column in ("target", "prediction"):
        table[column] = table[column].map(_label).astype(object)
    unpredicted = table.loc[table["target"].notna() & table["prediction"].isna(), "id"]
    if len(unpredicted):
        raise MmserError(
            f"a prediction for every target in {name}",
            f"none for {len(unpredicted)} utterances, first {unpredicted.iloc[0]}",
            "Predict them, or empty their targets if they shall not count.",
        )
    if table["target"].isna().all():
        raise MmserError(
            f"targets in {name}", "an empty target in every row", "Fill the target column."
        )
    targets, predictions = set(table["target"].dropna()), set(table["prediction"].dropna())
    alike = near_equal(targets | predictions)
    if alike:
        found = "; ".join(" and ".join(f"'{label}'" for label in group) for group in alike[:5])
        raise MmserError(
            f"one spelling of each label in {name}", found, "Write each label in one way."
        )
    # Disjoint labels are a misspelling unless the probability columns name them all: a small fold
    # may be all wrong.
    classes = {
        column.removeprefix(PROBABILITY)
        for column in table.columns
        if column.startswith(PROBABILITY)
    }
    if not targets & predictions and not targets | predictions <= classes:
        raise MmserError(
            f"targets and predictions in the same spelling in {name}",
            f"targets {', '.join(sorted(targets)[:5])}, predictions "
            f"{', '.join(sorted(predictions)[:5])}",
            "Use the same label names in both columns.",
        )
    return table


def _numbers(column: pd.Series, name: str) -> pd.Series:
    # In float64 before they are compared: the limit is beyond what float32 can hold.
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    bad = column[(numbers.isna() & column.notna()) | (numbers.abs() > MOST_NUMBER)]
    if len(bad):
        raise MmserError(
            f"numbers in column {column.name} of {name}", f"'{bad.iloc[0]}'", "Write plain numbers."
        )
    return numbers


def _refuse_duplicates(table: pd.DataFrame, name: str) -> None:
    twice = table[table.duplicated(_KEY)]
    if len(twice):
        raise MmserError(
            f"one row per utterance, condition, fold and seed in {name}",
            f"{twice['id'].iloc[0]} more than once ({len(twice)} such rows)",
            "Add a fold, seed or condition column that tells them apart.",
        )
