"""What a run predicts of its validation splits: what late fusion may weigh systems by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mmser.core.tables import CLEAN
from mmser.evaluation.evaluate import with_facts
from mmser.evaluation.predict import predict
from mmser.training.solving import solved_on_training

if TYPE_CHECKING:
    from mmser.training.run import Run


def validation_predictions(run: Run) -> pd.DataFrame:
    """One row per validation utterance of each finished fold and seed, as a predictions table.

    A head that was solved learnt from the validation split as well, so it is solved again from the
    training split alone. A network's epoch was chosen by this split: its rows flatter it a little,
    and say nothing about a test.
    """
    tables = []
    for trained in run.finished():
        data = trained.data()
        solver = run.settings.solver
        model = solved_on_training(run.settings, data) if solver else trained.model()
        table = predict(model, data.loader("validation", shuffle=False), data.task)
        tables.append(table.assign(fold=trained.fold, seed=trained.seed))
    return with_facts(pd.concat(tables, ignore_index=True), run.manifest, CLEAN)
