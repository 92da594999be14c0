"""What a run predicts of utterances that no fold tests: a challenge's test set without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mmser.core.errors import MmserError
from mmser.core.tables import CLEAN, SPLIT_COLUMN
from mmser.evaluation.evaluate import with_facts
from mmser.evaluation.predict import predict

if TYPE_CHECKING:
    from mmser.training.run import Run

RELEASED = "split"
"""The manifest's column of the set that a release names for an utterance."""


def unlabelled_predictions(run: Run, released: str) -> pd.DataFrame:
    """A predictions table of the utterances whose released set is ``released``, by every fold.

    Their labels are not read, if there are any. Raises MmserError when the run's manifest names no
    such utterance.
    """
    manifest = run.manifest
    sets = manifest.get(RELEASED, pd.Series(index=manifest.index, dtype=str)).fillna("")
    ids = list(manifest.loc[sets.str.lower() == released.lower(), "id"])
    if not ids:
        named = ", ".join(sorted(set(sets) - {""})) or "none"
        raise MmserError(
            f"utterances of the set {released} in the manifest",
            f"the sets {named}",
            f"Preprocess and train with corpus.unlabelled={released} (MSP-Podcast).",
        )
    tables = []
    for trained in run.finished():
        fold = run.assignment[run.assignment["fold"].astype(str) == trained.fold]
        kept = fold[(fold[SPLIT_COLUMN] != "test") & ~fold["id"].isin(ids)]
        asked = {"id": ids, "fold": trained.fold, SPLIT_COLUMN: "test", "label": None}
        data = trained.data(pd.concat([kept, pd.DataFrame(asked)], ignore_index=True))
        table = predict(trained.model(), data.loader("test", shuffle=False), data.task)
        tables.append(table.assign(fold=trained.fold, seed=trained.seed))
    return with_facts(pd.concat(tables, ignore_index=True), manifest, CLEAN)
