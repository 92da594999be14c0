"""A run whose head a solver finds: the same answers as scikit-learn by hand, and a whole run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVC

from mmser.core.errors import MmserError
from mmser.evaluation.evaluate import evaluate
from mmser.runs.run_paths import WEIGHTS
from mmser.training.fit import train

SOLVER = {"_target_": "mmser.training.solvers.linear_svm.LinearSVM", "strength": 0.01}
MODEL = {
    "encoders": {
        "tone": {"_target_": "mmser.models.encoders.sequence.pool.Pool", "_partial_": True}
    },
    "fusion": {
        "_target_": "mmser.models.fusion.concat.Concat",
        "_partial_": True,
        "pooling": "mean",
    },
    "head": {"_target_": "mmser.models.heads.one_vs_one.OneVsOne", "_partial_": True},
}


@pytest.fixture
def chosen(settings) -> dict[str, Any]:
    made = settings(folds=["s0"], model=MODEL, solver=SOLVER)
    made["streams"] = {"tone": {"extractor": "tone", "normalise": "zscore"}}
    return made


def means(data: Any, split: str) -> np.ndarray:
    dataset = data.dataset(split)
    rows = [dataset[(0, row)].streams["tone"].values for row in range(len(dataset))]
    return np.stack([row.mean(axis=0) for row in rows])


def test_predictions_are_those_of_the_same_machine_by_hand(chosen: dict[str, Any]) -> None:
    run = train(chosen)
    predictions = evaluate(run).set_index("id")
    data = run.fold("s0", 0).data()
    classes = list(data.task.classes)
    splits = ("train", "validation")
    vectors = np.concatenate([means(data, split) for split in splits])
    labels = [classes.index(str(name)) for split in splits for name in data.labels(split)]
    machine = SVC(kernel="linear", C=0.01, class_weight="balanced")
    machine.fit(vectors, labels)
    expected = [classes[index] for index in machine.predict(means(data, "test"))]
    assert predictions.loc[list(data.ids("test")), "prediction"].tolist() == expected


def test_the_run_says_how_its_first_head_did_on_the_validation_split(
    chosen: dict[str, Any],
) -> None:
    (trained,) = train(chosen).finished()
    assert trained.facts["monitor"] == "ua" and 0.5 < trained.facts["best_score"] <= 1.0
    assert trained.facts["epochs"] == 0 and (trained.directory / WEIGHTS).is_file()


def test_a_head_of_another_solver_is_refused(chosen: dict[str, Any]) -> None:
    chosen["solver"] = {"_target_": "mmser.training.solvers.logistic_regression.LogisticRegression"}
    with pytest.raises(MmserError, match=r"logistic_regression head=classifier"):
        train(chosen)
