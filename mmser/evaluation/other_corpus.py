"""A run's trained models on a corpus that they were not trained on.

Every model of a seed judges every labelled utterance, and the models vote by the mean of their
probabilities, as `mmser predict` lets them. No label of the other corpus is used but for the score.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmser.core.tables import CLEAN, SPLIT_COLUMN
from mmser.data.fitting import refit_transforms
from mmser.data.fold_opening import Fitted
from mmser.evaluation.evaluate import order_of, with_facts
from mmser.evaluation.predict import predict
from mmser.training.inputs.sources import open_fold, open_stores, read_corpus_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmser.cache.feature_store import FeatureStore
    from mmser.core.task import Task
    from mmser.settings.run import RunSettings
    from mmser.training.inputs.corpora import RunCorpora
    from mmser.training.run import Run, TrainedFold

VOTE = "vote"
"""The fold of a prediction that all folds' models made together."""


def predict_other_corpus(
    run: Run, settings: RunSettings, corpora: RunCorpora, own_scale: bool = False
) -> pd.DataFrame:
    """The predictions table: one row per utterance of the other corpus and seed of the run.

    ``settings`` are the run's with the other corpus and a protocol of the run's own classes;
    ``own_scale`` is `mmser.data.fitting.refit_transforms`'s. Raises MmserError when no fold is
    finished or the other corpus lacks what the run reads.
    """
    manifest = read_corpus_manifest(settings.cache, corpora.names)
    participants = corpora.tested.protocol.participants(manifest)
    asked = participants[["id", "label"]].assign(**{SPLIT_COLUMN: "test"})
    tables: dict[int, list[pd.DataFrame]] = {}
    stores = open_stores(settings, corpora.names)
    folds = run.finished()
    task = folds[0].task
    for trained in folds:
        assignment = asked.assign(fold=trained.fold)
        table = _judged(trained, settings, corpora, manifest, assignment, stores, own_scale)
        tables.setdefault(trained.seed, []).append(table)
    voted = [vote(each, task).assign(fold=VOTE, seed=seed) for seed, each in tables.items()]
    return with_facts(pd.concat(voted, ignore_index=True), manifest, CLEAN)


def _judged(
    trained: TrainedFold,
    settings: RunSettings,
    corpora: RunCorpora,
    manifest: pd.DataFrame,
    assignment: pd.DataFrame,
    stores: Mapping[str, FeatureStore],
    own_scale: bool,
) -> pd.DataFrame:
    """One model's predictions, in the assignment's order."""
    fitted = Fitted(trained.task, trained.transforms())
    fold, seed = trained.fold, trained.seed
    opened = open_fold(
        settings, corpora, manifest, assignment, fold, seed, fitted=fitted, stores=stores
    )
    transforms = refit_transforms(
        fitted.transforms, opened.facts, opened.stores, opened.specs, own_scale
    )
    data = replace(opened, transforms=transforms)
    table = predict(trained.model(), data.loader("test", shuffle=False), data.task)
    return table.iloc[order_of(table, data.ids("test"))].reset_index(drop=True)


def vote(tables: list[pd.DataFrame], task: Task) -> pd.DataFrame:
    """Predictions of several models of the same rows as one: their mean decides."""
    table = tables[0].copy()
    for target_set in task.target_sets:
        columns = list(target_set.columns)
        numbers = np.mean([each[columns].to_numpy() for each in tables], axis=0)
        for name, decision in target_set.decisions(numbers).items():
            table[name] = decision
        table[columns] = numbers
    return table
