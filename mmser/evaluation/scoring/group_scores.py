"""Scores by corpus, gender, language, age group and intensity, and the gaps between them.

A gap has an interval of its own: speakers are drawn with replacement as for every score, the same
ones for both groups, and the two scores are subtracted draw by draw. An interval around 0 does not
say that the groups are served alike, only that these speakers cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmser.core.tables import read_parquet
from mmser.evaluation.scoring.score import clusters_of
from mmser.metrics.bootstrap import DRAWS, LEVEL, cluster_sums, percentile_interval, resampled_sums
from mmser.metrics.families import Family, families_of
from mmser.metrics.predictions import read_predictions
from mmser.metrics.table import is_headline
from mmser.runs.run_paths import OWN_MANIFEST

ATTRIBUTES = ("corpus", "gender", "language", "age_group", "intensity")
"""What a manifest may say of a speaker, or of how an utterance is spoken."""

WORDS = ("sentence", "transcript")
"""What it may say of the words of an utterance: its number among fixed ones, or the text."""

GROUP_COLUMNS = (
    *("condition", "attribute", "group", "than", "metric", "value", "low", "high"),
    *("utterances", "speakers"),
)
"""``than`` is empty for the score of a group; else the row is the gap, group minus than."""


def described_predictions(source: str | Path) -> pd.DataFrame:
    """A predictions table with what the run's own manifest says of each utterance.

    A table by itself has what its own columns say.
    """
    table, manifest = read_predictions(source), Path(source) / OWN_MANIFEST
    if not manifest.is_file():
        return table
    known = read_parquet(manifest, "Train the run again.").drop_duplicates("id").set_index("id")
    for column in (*ATTRIBUTES, *WORDS):
        if column in known and column not in table:
            table[column] = table["id"].map(known[column])
    return table


def group_scores(
    table: pd.DataFrame, draws: int = DRAWS, level: float = LEVEL, seed: int = 0
) -> pd.DataFrame:
    """GROUP_COLUMNS of `described_predictions`, headline metrics alone.

    An attribute takes part where two groups or more are known, by the utterances whose group is.
    """
    rows: list[dict[str, Any]] = []
    for condition, of_condition in table.groupby("condition", sort=False):
        for attribute in ATTRIBUTES:
            known = _known(of_condition, attribute)
            if known[attribute].nunique() < 2:
                continue
            for family in families_of(known):
                found = _family_rows(family, attribute, draws, level, seed)
                names = {"condition": condition, "attribute": attribute}
                rows += [{**names, **row} for row in found]
    return pd.DataFrame(rows, columns=list(GROUP_COLUMNS))


def _known(table: pd.DataFrame, attribute: str) -> pd.DataFrame:
    if attribute not in table:
        return table.iloc[:0].assign(**{attribute: ""})
    names = table[attribute].fillna("").astype(str).str.strip()
    return table.assign(**{attribute: names})[names != ""]


def _family_rows(
    family: Family, attribute: str, draws: int, level: float, seed: int
) -> Iterator[dict[str, Any]]:
    codes, names = pd.factorize(family.rows[attribute], sort=True)
    if len(names) < 2:
        return
    cluster, clusters, _ = clusters_of(family.rows)
    groups = len(names)
    # (cluster, group, *shape): what each speaker adds to each group.
    flat = cluster_sums(family.entries, cluster * groups + codes, clusters * groups)
    sums = flat.reshape(clusters, groups, *flat.shape[1:])
    resampled = resampled_sums(sums, draws, seed)
    speakers = [len(np.unique(cluster[codes == group])) for group in range(groups)]
    utterances = np.bincount(codes, minlength=groups)
    for metric, function in family.metrics.items():
        if not is_headline(metric):
            continue
        values, drawn = function(sums.sum(axis=0)), function(resampled)
        for group, name in enumerate(names):
            row = {"group": name, "than": "", "metric": metric, "value": float(values[group])}
            several = speakers[group] > 1
            low, high = percentile_interval(drawn[:, group], level) if several else (np.nan,) * 2
            counts = {"utterances": int(utterances[group]), "speakers": speakers[group]}
            yield {**row, "low": low, "high": high, **counts}
        for one, other in combinations(range(groups), 2):
            several = min(speakers[one], speakers[other]) > 1
            gaps = drawn[:, one] - drawn[:, other]
            low, high = percentile_interval(gaps, level) if several else (np.nan,) * 2
            yield {
                "group": names[one],
                "than": names[other],
                "metric": metric,
                "value": float(values[one] - values[other]),
                "low": low,
                "high": high,
                "utterances": int(utterances[one] + utterances[other]),
                "speakers": len(np.unique(cluster[np.isin(codes, (one, other))])),
            }
