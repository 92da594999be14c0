"""Scores of a fused predictions table beside those of its inputs, on the same utterances."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.tables import PREDICTION, PROBABILITY, TARGET
from mmser.late_fusion.tables import KEY, fuse_tables
from mmser.metrics.classification import confusion, ua, wa, wf1
from mmser.metrics.predictions import read_predictions, values_of
from mmser.metrics.regression import ccc


def score_beside(
    sources: Sequence[str | Path], fused: pd.DataFrame, method: str, shared_only: bool = False
) -> pd.DataFrame:
    """One row per input, one for their plain mean where they can be averaged, one for the fusion.

    Columns: system, utterances (labelled), wa, ua, wf1 for classes, ccc_<value> for values.
    """
    keys = pd.MultiIndex.from_frame(fused[KEY])
    systems = {str(source): _rows(read_predictions(source), keys) for source in sources}
    categorical = "target" in fused
    probable = all(
        any(c.startswith(PROBABILITY) for c in table.columns) for table in systems.values()
    )
    if method != "mean" and (probable or not categorical):
        systems["plain mean"] = fuse_tables(sources, "mean", shared_only=shared_only)
    systems[f"fused ({method})"] = fused
    return pd.DataFrame([{"system": name} | _scores(table) for name, table in systems.items()])


def _rows(table: pd.DataFrame, keys: pd.MultiIndex) -> pd.DataFrame:
    return table.set_index(KEY, drop=False).loc[keys].reset_index(drop=True)


def _scores(table: pd.DataFrame) -> dict[str, Any]:
    scores: dict[str, Any] = {"utterances": len(table)}
    if "target" in table:
        known = table[table["target"].notna()]
        classes = sorted({*known["target"], *known["prediction"]})
        counts = confusion(known["target"], known["prediction"], classes)
        scores |= {
            "utterances": len(known),
            "wa": float(wa(counts)),
            "ua": float(ua(counts)),
            "wf1": float(wf1(counts)),
        }
    for value in values_of(table):
        known = table[table[TARGET + value].notna()]
        scores[f"ccc_{value}"] = ccc(known[TARGET + value], known[PREDICTION + value])
    return scores
