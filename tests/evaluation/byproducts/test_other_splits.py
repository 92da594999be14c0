"""Predictions of the validation splits and of a set without labels, from really trained folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.trained_run import make_settings, make_trained_run, write_cache
from sklearn.svm import SVC

from mmser.cli import main
from mmser.core.errors import MmserError
from mmser.corpora.manifest import write_manifest
from mmser.evaluation.byproducts.unlabelled import unlabelled_predictions
from mmser.evaluation.byproducts.validation_split import validation_predictions
from mmser.training.fit import train

SOLVED = {
    "streams": {"tone": {"extractor": "tone", "normalise": "zscore"}},
    "solver": {"_target_": "mmser.training.solvers.linear_svm.LinearSVM", "strength": 0.01},
    "model": {
        "encoders": {
            "tone": {"_target_": "mmser.models.encoders.sequence.pool.Pool", "_partial_": True}
        },
        "fusion": {
            "_target_": "mmser.models.fusion.concat.Concat",
            "_partial_": True,
            "pooling": "mean",
        },
        "head": {"_target_": "mmser.models.heads.one_vs_one.OneVsOne", "_partial_": True},
    },
}


def test_a_networks_validation_rows_are_those_of_its_best_epoch(tmp_path: Path, capsys) -> None:
    run = make_trained_run(tmp_path)
    table = validation_predictions(run)
    for trained in run.finished():
        rows = table[table["fold"] == trained.fold]
        assert set(rows["id"]) == set(trained.data().ids("validation"))
        right = rows["target"] == rows["prediction"]
        recall = right.groupby(rows["target"]).mean().mean()
        assert recall == pytest.approx(trained.facts["best_score"], abs=1e-6)
    assert main(["evaluate", f"run={run.directory}", "also=validation"]) == 0
    assert "train and test share none of the 3" in capsys.readouterr().out
    written = pd.read_parquet(run.directory / "validation.parquet")
    assert len(written) == len(table)


def test_a_solved_head_is_solved_again_without_the_validation_split(tmp_path: Path) -> None:
    write_cache(tmp_path / "cache")
    run = train(make_settings(tmp_path / "cache", tmp_path / "run", **SOLVED))
    table = validation_predictions(run)
    (first, _) = run.finished()
    data = first.data()
    classes = list(data.task.classes)

    def means(split: str) -> np.ndarray:
        dataset = data.dataset(split)
        rows = [dataset[(0, row)].streams["tone"].values for row in range(len(dataset))]
        return np.stack([row.mean(axis=0) for row in rows])

    machine = SVC(kernel="linear", C=0.01, class_weight="balanced")
    machine.fit(means("train"), [classes.index(str(name)) for name in data.labels("train")])
    expected = [classes[place] for place in machine.predict(means("validation"))]
    rows = table[table["fold"] == first.fold].set_index("id")
    assert rows.loc[list(data.ids("validation")), "prediction"].tolist() == expected


def test_a_set_without_labels_is_predicted_by_every_fold(tmp_path: Path, capsys) -> None:
    write_cache(tmp_path / "cache")
    path = tmp_path / "cache" / "small" / "manifest.parquet"
    manifest = pd.read_parquet(path)
    # The last three are of the challenge: they have no label, so no fold takes them.
    hidden = manifest["id"].isin(["u33", "u34", "u35"])
    words = manifest["emotion"].where(~hidden, None)
    write_manifest(manifest.assign(emotion=words, split=np.where(hidden, "Test3", "Train")), path)
    run = train(make_settings(tmp_path / "cache", tmp_path / "run"))
    assert not set(run.assignment["id"]) & {"u33", "u34", "u35"}
    table = unlabelled_predictions(run, "test3")
    assert sorted(table["id"]) == ["u33", "u33", "u34", "u34", "u35", "u35"]
    assert (
        table["target"].isna().all() and table["prediction"].isin(["angry", "happy", "sad"]).all()
    )
    with pytest.raises(MmserError, match="of the set Test9 in the manifest; found the sets Test3"):
        unlabelled_predictions(run, "Test9")
    assert main(["evaluate", f"run={run.directory}", "also=submission", "split=Test3"]) == 0
    rows = pd.read_csv(run.directory / "submission-Test3.csv")
    assert rows["FileName"].tolist() == ["u33.wav", "u34.wav", "u35.wav"]
    assert set(rows["EmoClass"]) <= {"A", "H", "S"}
    assert "3 utterances of Test3" in capsys.readouterr().out
