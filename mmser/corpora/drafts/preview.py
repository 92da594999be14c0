"""What stands in a user's table, before anything is computed: classes by speakers, and gaps."""

from __future__ import annotations

import pandas as pd

from mmser.core.output import columns_text

MOST_SPEAKERS = 24
"""Speakers that get a row each; of more only the smallest counts are told."""

CELLS = ("audio_path", "video_path", "transcript", "emotion", "gender", "language", "part")


def preview(table: pd.DataFrame) -> str:
    """Lines to print: utterances of each speaker and label, then what is missing."""
    lines = [f"{len(table)} utterances of {table['speaker'].nunique()} speakers"]
    if "emotion" in table and table["emotion"].notna().any():
        lines += ["", columns_text(_counts(table))]
    lines += ["", columns_text(_coverage(table))]
    return "\n".join(lines)


def _counts(table: pd.DataFrame) -> list[dict[str, str]]:
    """A row per speaker and one of sums, a column per label."""
    labels = table["emotion"].fillna("(no label)")
    counts = pd.crosstab(table["speaker"].astype(str), labels)
    rows = []
    if len(counts) <= MOST_SPEAKERS:
        rows = [
            {"speaker": str(speaker), **{str(name): str(n) for name, n in row.items()}}
            for speaker, row in counts.iterrows()
        ]
    else:
        smallest = counts.min()
        rows = [{"speaker": "(fewest)", **{str(name): str(n) for name, n in smallest.items()}}]
    sums = {str(name): str(n) for name, n in counts.sum().items()}
    return [*rows, {"speaker": "(all)", **sums}]


def _coverage(table: pd.DataFrame) -> list[dict[str, str]]:
    """Of each usual column, how many rows have it."""
    rows = []
    for name in CELLS:
        present = int(table[name].notna().sum()) if name in table else 0
        rows.append({"column": name, "rows with it": f"{present} of {len(table)}"})
    return rows
