"""Column names of the tables that rooms exchange, and the checks that keep them honest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pandas as pd

# Manifest: one row per utterance, columns = fields of core.utterance.Utterance; paths as strings,
# ``words`` and ``votes`` as JSON text, plus whatever further columns the user's own table carries.

SPLITS = ("train", "validation", "test")
"""What a fold is divided into. No model is chosen by the test split."""

SPLIT_COLUMN = "part"
"""The column of a manifest and of a fold assignment that names the split.

It has this name in the files, so that older ones stay readable.
"""

ASSIGNMENT_COLUMNS = ("id", "fold", SPLIT_COLUMN, "label")
"""Fold assignment: one row per (utterance, fold), with its split and a class name or no label."""

INDEX_COLUMNS = (
    "id",
    "shard",
    "key",
    "length",
    "dimension",
    "frame_rate",
    "status",
    "error",
    "detail",
)
"""Cache index: one row per utterance.

``status`` is "ok" or "failed"; ``error`` a FailureReason; ``dimension`` the feature shape as text.
"""

PREDICTION_COLUMNS = (
    "id",
    "corpus",
    "speaker",
    "session",
    "condition",
    "fold",
    "seed",
    "target",
    "prediction",
)
"""Predictions: one row per (utterance, condition, fold, seed).

Class names are text in target and prediction, with one ``probability_<class>`` column per class;
dimensional tasks add ``target_<value>`` and ``prediction_<value>``.
"""

PROBABILITY = "probability_"
TARGET = "target_"
PREDICTION = "prediction_"

CLEAN = "clean"
"""The condition of an undisturbed evaluation."""


def require_columns(table: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise MmserError naming the columns that ``table`` lacks."""
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise MmserError(
            f"{what} with the columns {', '.join(columns)}",
            f"no column {', '.join(missing)} among {', '.join(map(str, table.columns))}",
            "Rename or add the missing columns.",
        )


def read_parquet(path: str | Path, remedy: str = "Write it anew.") -> pd.DataFrame:
    """A parquet file as a table.

    Raises MmserError, ending in ``remedy``, when it is missing, damaged or no parquet file.
    """
    import pandas as pd
    import pyarrow as pa

    source = Path(path)
    if not source.is_file():
        raise MmserError(f"a parquet table at {source}", "no such file", remedy)
    try:
        return pd.read_parquet(source)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise MmserError(f"a readable parquet table in {source}", reason, remedy) from problem


def read_curve(path: str | Path) -> pd.DataFrame:
    """``metrics.csv`` as Lightning writes it; an empty file gives an empty table.

    Its last line may have been cut off. Raises MmserError when it is no such table.
    """
    import pandas as pd

    source = Path(path)
    if not source.stat().st_size:
        return pd.DataFrame()
    try:
        return pd.read_csv(source)
    except ValueError as problem:
        reason = " ".join(str(problem).split())[:200]
        raise MmserError(
            f"a learning curve in {source}", reason, "Train the fold again, or delete the file."
        ) from problem
