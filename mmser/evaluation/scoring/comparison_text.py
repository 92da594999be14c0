"""A comparison of runs for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mmser.evaluation.scoring.paired_scores import TESTS
from mmser.metrics.table import shown, title


def compare_text(table: pd.DataFrame) -> str:
    """The table for a terminal, and what it says in words."""
    lines = []
    for row in table.to_dict("records"):
        first, second, gap, low, high = (
            shown(row["metric"], row[key])
            for key in ("first_value", "second_value", "difference", "low", "high")
        )
        tests = ", ".join(
            f"{_named([test])} {row[f'p_{test}']:.3f}"
            for test in TESTS
            if row[f"p_{test}"] == row[f"p_{test}"]
        )
        lines += [
            f"{row['first']} against {row['second']}: {row['verdict']}",
            f"  {title(row['metric'])} {first} and {second}, difference {gap} [{low}, {high}] "
            f"({row['pairs']} folds x seeds, {row['utterances']} utterances, {row['clusters']} "
            "speakers)",
            "  p (Holm): "
            f"{tests or 'one fold and one speaker allow no test'}{_caution(row['judged_by'])}",
        ]
    lines.append(
        "Interval: speakers resampled. 'Not distinguishable' means not shown to differ, not "
        "shown to be equal."
    )
    return "\n".join(lines)


def _caution(judged_by: str) -> str:
    """What a verdict without a t-test rests on."""
    if not judged_by or "corrected_t" in judged_by:
        return ""
    tests = _named(judged_by.split(", "))
    return (
        f", judged by {tests}: one fold and seed allow no t-test, nor show what training "
        "again would change"
    )


def _named(tests: Sequence[str]) -> str:
    """Tests in words: "mcnemar and bootstrap"."""
    return " and ".join(test.replace("_", " ") for test in tests)
