"""Scores as `mmser train`, `evaluate` and `score` print them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd


def print_scores(
    tables: pd.DataFrame | str | Path | Sequence[str | Path], without: Sequence[str] = ()
) -> pd.DataFrame:
    """Score runs or predictions tables and print them with what every name means.

    Returns the scores.
    """
    from mmser.evaluation.scoring.score import score
    from mmser.evaluation.scoring.score_text import scores_text

    scores = score(tables, without=without)
    print(printable(scores_text(scores)))
    return scores
