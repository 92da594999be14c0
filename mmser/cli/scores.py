"""Scores as `mmser train`, `evaluate` and `score` print them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd


def add_explain(parser: argparse.ArgumentParser) -> None:
    """The option of the commands that print scores."""
    parser.add_argument("--explain", action="store_true", help="say what each score means")


def print_scores(
    tables: pd.DataFrame | str | Path | Sequence[str | Path],
    without: Sequence[str] = (),
    explain: bool = False,
    name: str = "",
) -> pd.DataFrame:
    """Score runs or predictions tables and print them; ``explain``: with what every name means.

    A table in memory is called ``name``. Under it, how many speakers train and test of each run
    share. Returns the scores.
    """
    import pandas as pd

    from mmser.evaluation.scoring.score import score
    from mmser.evaluation.scoring.score_text import scores_text

    scores = score(tables, without=without)
    scores["run"] = scores["run"].replace("", name)
    print(printable(scores_text(scores, explain)))
    if not isinstance(tables, pd.DataFrame):
        print_speakers([tables] if isinstance(tables, str | Path) else tables)
    return scores


def print_groups(sources: Sequence[str | Path]) -> pd.DataFrame:
    """Scores by gender, language and age group, their gaps, and what the words alone could tell.

    A line for each that the run's manifest, or the table itself, knows of. Returns the former.
    """
    import pandas as pd

    from mmser.core.tables import CLEAN
    from mmser.evaluation.scoring.equal_words import equal_words
    from mmser.evaluation.scoring.group_scores import described_predictions, group_scores
    from mmser.evaluation.scoring.group_text import group_lines, words_line

    tables = []
    for source in sources:
        described = described_predictions(source)
        scores = group_scores(described)
        words = equal_words(described[described["condition"] == CLEAN])
        name = f"{Path(source).resolve().name}: " if len(sources) > 1 else ""
        lines = [*group_lines(scores), *([f"Words: {words_line(words)}"] if words else [])]
        for line in lines:
            print(printable(f"{name}{line}."))
        tables.append(scores.assign(run=str(source)))
    return pd.concat(tables, ignore_index=True)


def print_speakers(sources: Sequence[str | Path]) -> None:
    """The line about shared speakers of each source that is a run's folder."""
    from mmser.runs.shared_speakers import speakers_lines

    for line in speakers_lines(sources):
        print(printable(f"Speakers: {line}."))
