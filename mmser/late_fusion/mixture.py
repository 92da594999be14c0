"""A weighted mean of several systems' probabilities, its weights from validation splits alone.

The weights of a fold and seed are the most probable ones given the labels of that fold's validation
split, under a Dirichlet prior that every system has explained `PRIOR` utterances already: a concave
problem, solved by expectation and maximisation (Dempster et al., JRSS B 1977). They are above zero
and sum to one. A validation split of one speaker moves them little from the plain mean, thousands
of utterances decide them: without the prior one speaker would choose one system alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import PROBABILITY

FOLD = ["fold", "seed"]
PRIOR = 10.0
STEPS = 1000
SETTLED = 1e-9
"""Log probability per utterance that a step must gain to go on."""
FLOOR = 1e-9
"""No system's probability counts as less: one certain and wrong answer would decide alone."""


def fold_weights(
    validation: Sequence[pd.DataFrame], classes: Sequence[str]
) -> dict[tuple[str, int], np.ndarray]:
    """{(fold, seed): weights (system,)} from tables with the same rows in the same order."""
    weights = {}
    for (fold, seed), rows in validation[0].groupby(FOLD, sort=False):
        labelled = rows.index[rows["target"].isin(list(classes))]
        if not len(labelled):
            raise MmserError(
                f"labelled validation utterances in fold {fold}, seed {seed}",
                "none",
                "Use --method mean or vote.",
            )
        columns = [PROBABILITY + str(name) for name in validation[0].loc[labelled, "target"]]
        # (utterance, system): what each system gives the true class
        likely = np.stack([_picked(table.loc[labelled], columns) for table in validation], axis=1)
        weights[str(fold), int(str(seed))] = mixture_weights(likely)
    return weights


def mixture_weights(likely: np.ndarray) -> np.ndarray:
    """The most probable weights (system,) given ``likely`` (utterance, system)."""
    likely = np.maximum(likely, FLOOR)
    utterances, systems = likely.shape
    weights = np.full(systems, 1 / systems)
    before = -np.inf
    for _ in range(STEPS):
        joint = likely * weights
        mixed = joint.sum(axis=1)
        now = float(np.log(mixed).sum() + PRIOR * np.log(weights).sum()) / utterances
        if now - before < SETTLED:
            break
        before = now
        explained = (joint / mixed[:, None]).sum(axis=0) + PRIOR
        weights = explained / (utterances + systems * PRIOR)
    return weights


def mixed(
    tables: Sequence[pd.DataFrame],
    classes: Sequence[str],
    weights: Mapping[tuple[str, int], np.ndarray],
) -> pd.DataFrame:
    """Probability columns of the rows of ``tables``, each by the weights of its fold and seed.

    Raises MmserError where a fold has no weights.
    """
    keys = list(zip(tables[0]["fold"].astype(str), tables[0]["seed"].astype(int), strict=True))
    if missing := [key for key in dict.fromkeys(keys) if key not in weights]:
        fold, seed = missing[0]
        raise MmserError(
            f"validation predictions of fold {fold}, seed {seed}",
            "none",
            "Predict the validation split of every fold: mmser evaluate run=DIR also=validation.",
        )
    columns = [PROBABILITY + name for name in classes]
    values = np.stack([table[columns].to_numpy() for table in tables])  # (system, row, class)
    by_row = np.stack([weights[key] for key in keys], axis=1)  # (system, row)
    return pd.DataFrame((values * by_row[:, :, None]).sum(axis=0), columns=columns)


def _picked(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """The value of each row in its own column."""
    listed = list(dict.fromkeys(columns))
    values = table[listed].to_numpy(dtype=float)
    places = np.array([listed.index(column) for column in columns])
    picked: np.ndarray = values[np.arange(len(values)), places]
    return picked
