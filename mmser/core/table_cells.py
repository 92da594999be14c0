"""Cells of somebody else's table as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pandas as pd

MOST_NUMBER = 1e100
"""Beyond this a number is taken for a mistake, infinity among them."""


def number_column(column: pd.Series, name: str) -> pd.Series:
    """A column of the table ``name`` as float64, empty cells as NaN. Raises MmserError on words."""
    import pandas as pd

    # In float64 before they are compared: the limit is beyond what float32 can hold.
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = column[(numbers.isna() & column.notna()) | (numbers.abs() > MOST_NUMBER)]
    if len(wrong):
        raise MmserError(
            f"numbers in column {column.name} of {name}",
            f"'{wrong.iloc[0]}'",
            "Write plain numbers.",
        )
    return numbers
