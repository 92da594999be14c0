"""Scores of a fused predictions table beside those of its inputs, on the same utterances."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmser.core.tables import PROBABILITY
from mmser.late_fusion.table_fusion import KEY, fuse_tables
from mmser.metrics.families import families_of
from mmser.metrics.predictions import read_predictions
from mmser.metrics.table import is_headline


def score_beside(
    sources: Sequence[str | Path], fused: pd.DataFrame, method: str, shared_only: bool = False
) -> pd.DataFrame:
    """One row per input, one for their plain mean where they can be averaged, one for the fusion.

    Columns: system, utterances (labelled), and the headline metrics of what was predicted.
    """
    keys = pd.MultiIndex.from_frame(fused[KEY])
    systems = {
        str(source): _rows(read_predictions(source, unlabelled=True), keys) for source in sources
    }
    categorical = "target" in fused
    probable = all(_has_probabilities(table) for table in systems.values())
    if method != "mean" and (probable or not categorical):
        systems["plain mean"] = fuse_tables(sources, "mean", shared_only=shared_only)
    systems[f"fused ({method})"] = fused
    rows = [{"system": name, **_scores(table)} for name, table in systems.items()]
    return pd.DataFrame(rows)


def _rows(table: pd.DataFrame, keys: pd.MultiIndex) -> pd.DataFrame:
    return table.set_index(KEY, drop=False).loc[keys].reset_index(drop=True)


def _has_probabilities(table: pd.DataFrame) -> bool:
    return any(str(column).startswith(PROBABILITY) for column in table.columns)


def _scores(table: pd.DataFrame) -> dict[str, float]:
    labelled = len(table)
    if "target" in table:
        labelled = int(table["target"].notna().sum())
    scores: dict[str, float] = {"utterances": labelled}
    if not labelled:  # a challenge's test set: fused, and scored elsewhere
        return scores
    for family in families_of(table):
        named = family.scores()
        scores |= {name: score for name, score in named.items() if is_headline(name)}
    return scores
