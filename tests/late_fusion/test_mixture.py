"""Weights from validation splits: the most likely mixture, fold by fold, and never another fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.evaluation.scoring.score import score
from mmser.late_fusion.mixture import PRIOR, fold_weights, mixture_weights
from mmser.late_fusion.table_fusion import fuse_tables

CLASSES = ["angry", "happy", "sad"]


def system(seed: int, skill: float, fold: str = "f1", rows: int = 90) -> pd.DataFrame:
    """Predictions that are right the more often the higher the ``skill``."""
    target = np.random.default_rng(100).integers(0, 3, rows)
    scores = np.random.default_rng(seed).standard_normal((rows, 3)) + skill * np.eye(3)[target]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    table = pd.DataFrame(
        {
            "id": [f"{fold}-u{row}" for row in range(rows)],
            "speaker": [f"{fold}-s{row % 6}" for row in range(rows)],
            "fold": fold,
            "seed": 0,
            "condition": "clean",
            "target": np.array(CLASSES)[target],
            "prediction": np.array(CLASSES)[probabilities.argmax(axis=1)],
        }
    )
    return table.assign(
        **{f"probability_{name}": probabilities[:, k] for k, name in enumerate(CLASSES)}
    )


def test_the_weights_are_the_most_likely_ones() -> None:
    likely = np.random.default_rng(0).uniform(0.01, 1, (200, 4)) * [1.0, 0.9, 0.8, 0.3]
    weights = mixture_weights(likely)
    assert weights.sum() == pytest.approx(1) and (weights >= 0).all()

    def loss(free: np.ndarray) -> float:
        shares = np.exp(free) / np.exp(free).sum()
        return float(-np.log(likely @ shares).sum() - PRIOR * np.log(shares).sum())

    best = minimize(loss, np.zeros(4), method="BFGS")
    expected = np.exp(best.x) / np.exp(best.x).sum()
    np.testing.assert_allclose(weights, expected, atol=1e-3)
    assert weights[0] == weights.max()


def test_few_utterances_move_the_plain_mean_little_and_many_decide() -> None:
    few = np.tile([0.9, 0.3, 0.3], (5, 1))
    assert np.abs(mixture_weights(few) - 1 / 3).max() < 0.12
    many = np.tile([0.9, 0.3, 0.3], (5000, 1))
    assert mixture_weights(many)[0] > 0.98


def test_one_certain_wrong_answer_does_not_decide() -> None:
    likely = np.column_stack([np.r_[0.0, np.full(499, 0.9)], np.full(500, 0.4)])
    assert mixture_weights(likely)[0] > 0.7


def test_every_fold_has_its_own_weights_and_sees_no_other() -> None:
    tables = [
        pd.concat([system(1, 3.0, "f1"), system(2, 0.0, "f2")], ignore_index=True),
        pd.concat([system(3, 0.0, "f1"), system(4, 3.0, "f2")], ignore_index=True),
    ]
    weights = fold_weights(tables, CLASSES)
    assert weights["f1", 0][0] > 0.7 and weights["f2", 0][1] > 0.7
    other = [table.copy() for table in tables]
    for table in other:
        table.loc[table["fold"] == "f2", "target"] = "sad"
    again = fold_weights(other, CLASSES)
    np.testing.assert_array_equal(again["f1", 0], weights["f1", 0])
    unlabelled = [table.assign(target=None) for table in tables]
    with pytest.raises(MmserError, match="labelled validation utterances in fold f1, seed 0"):
        fold_weights(unlabelled, CLASSES)


def test_a_useless_system_is_left_out_of_the_fusion() -> None:
    test = [system(11, 2.5), system(12, 0.0)]
    validation = [system(21, 2.5), system(22, 0.0)]
    fused = fuse_tables(test, "weighted", validation)
    (weights,) = fold_weights(validation, CLASSES).values()
    expected = sum(
        weight * table[[f"probability_{name}" for name in CLASSES]].to_numpy()
        for weight, table in zip(weights, test, strict=True)
    )
    np.testing.assert_allclose(fused[[f"probability_{name}" for name in CLASSES]], expected)
    with pytest.raises(MmserError, match="validation predictions of fold f9, seed 0; found none"):
        fuse_tables([table.assign(fold="f9") for table in test], "weighted", validation)


def test_runs_bring_their_validation_tables(tmp_path: Path, capsys) -> None:
    for name, skill in (("good", 2.0), ("bad", 0.2)):
        (tmp_path / name).mkdir()
        system(7, skill).to_parquet(tmp_path / name / "predictions.parquet")
    runs = [str(tmp_path / "good"), str(tmp_path / "bad")]
    with pytest.raises(UsageError, match=r"validation.parquet in the folder of every run; found"):
        fuse_tables(runs, "weighted")
    for name, skill in (("good", 2.0), ("bad", 0.2)):
        system(8, skill).to_parquet(tmp_path / name / "validation.parquet")
    assert main(["fuse", *runs, "--method", "weighted", "--out", str(tmp_path / "f.csv")]) == 0
    printed = capsys.readouterr().out
    assert "fused (weighted)" in printed and "plain mean" in printed
    assert len(pd.read_csv(tmp_path / "f.csv")) == 90


def test_tables_without_labels_are_fused_and_not_scored(tmp_path: Path, capsys) -> None:
    paths = []
    for number in range(2):
        paths.append(str(tmp_path / f"{number}.parquet"))
        system(number, 1.0).assign(target=None).to_parquet(paths[-1])
    out = tmp_path / "fused.parquet"
    assert main(["fuse", *paths, "--method", "mean", "--out", str(out)]) == 0
    assert len(pd.read_parquet(out)) == 90
    assert "utterances" in capsys.readouterr().out
    with pytest.raises(MmserError, match="an empty target in every row"):
        score(out)


def test_a_stacker_never_sees_the_labels_that_another_fold_tests() -> None:
    """Two folds that validate on each other's test rows: a fold's stacker knows its own alone."""
    test = [pd.concat([system(s, 2.0, "f1"), system(s + 1, 2.0, "f2")]) for s in (31, 41)]
    test = [table.reset_index(drop=True) for table in test]
    swap = {"f1": "f2", "f2": "f1"}
    validation = [table.assign(fold=table["fold"].map(swap)) for table in test]
    fused = fuse_tables(test, "logistic", validation)
    changed = [table.copy() for table in validation]
    for table in changed:  # the labels of what fold f2 tests, as fold f1 validates on them
        rows = table["fold"] == "f1"
        table.loc[rows, "target"] = table.loc[rows, "target"].to_numpy()[::-1]
    again = fuse_tables(test, "logistic", changed)
    columns = [f"probability_{name}" for name in CLASSES]
    own = fused["fold"] == "f2"
    np.testing.assert_allclose(again.loc[own, columns], fused.loc[own, columns])
    assert not np.allclose(again.loc[~own, columns], fused.loc[~own, columns])
    lacking = [table[table["fold"] == "f1"] for table in validation]
    with pytest.raises(MmserError, match="validation rows of fold f2, seed 0"):
        fuse_tables(test, "logistic", lacking)
