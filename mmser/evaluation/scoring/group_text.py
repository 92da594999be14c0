"""Scores of groups and of equal words for a terminal, a line for each."""

from __future__ import annotations

import pandas as pd

from mmser.evaluation.scoring.equal_words import EqualWords
from mmser.metrics.table import in_order, shown, title


def group_lines(scores: pd.DataFrame) -> list[str]:
    """The main metric of each attribute: every group with its interval, then the gaps."""
    lines = []
    for (condition, attribute), rows in scores.groupby(["condition", "attribute"], sort=False):
        metric = in_order(list(rows["metric"].unique()))[0]
        parts = []
        for row in rows[rows["metric"] == metric].to_dict("records"):
            gap = f"{row['group']} - {row['than']}" if row["than"] else str(row["group"])
            interval = f"[{shown(metric, row['low'])}, {shown(metric, row['high'])}]"
            count = "" if row["than"] else f" ({row['speakers']} speakers)"
            parts.append(f"{gap} {shown(metric, row['value'])} {interval}{count}")
        where = f"{title(metric)} by {str(attribute).replace('_', ' ')} ({condition})"
        lines.append(f"{where}: {'; '.join(parts)}")
    return lines


def words_line(found: EqualWords) -> str:
    """What the words alone could tell, and the score where they are equal."""
    line = (
        f"{found.sentences} different texts in {found.utterances} utterances: by the words alone "
        f"UA {shown('ua', found.words_ua)} (chance {shown('ua', found.chance)})"
    )
    if not found.shared:
        return f"{line}; no text is said in two emotions"
    return (
        f"{line}; on the {found.shared} utterances whose words are also said in another emotion "
        f"UA {shown('ua', found.shared_ua)}, by the words alone "
        f"{shown('ua', found.shared_words_ua)}"
    )
