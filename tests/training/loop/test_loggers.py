"""``trainer.logger``: one of the tool's runs for each fold, and the run that it is stays the same."""

from __future__ import annotations

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.runs.run_identity import identity
from mmser.training.fit import train
from mmser.training.loop import loggers


@pytest.mark.parametrize("name", ["csv", "tensorboard", "mlflow", "wandb"])
def test_each_fold_is_logged_by_the_plain_loop(settings, name):
    pytest.importorskip(name) if name != "csv" else None
    changes = {"trainer.logger": name, "trainer.epochs": 2}
    run = train(settings(folds=["s0", "s1"], **changes))
    for fold in run.finished():
        found = {
            "csv": "csv/metrics.csv",
            "tensorboard": "tensorboard/events*",
            "mlflow": "mlflow.db",
            "wandb": "wandb/offline-run-*/*.wandb",
        }
        assert len(list(fold.directory.glob(found[name]))) == 1
    if name == "csv":
        logged = pd.read_csv(run.fold("s0", 0).directory / "csv/metrics.csv")
        curve = run.fold("s0", 0).curve
        assert logged["validation_ua"].tolist() == pytest.approx(curve["validation_ua"].tolist())
        assert logged["step"].tolist() == curve["step"].tolist()


def test_a_missing_library_is_told_before_anything_is_written(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    with pytest.raises(MmserError, match=r"the library wandb for trainer.logger=wandb"):
        train(settings(**{"trainer.logger": "wandb"}))
    assert not (tmp_path / "run").exists()


def test_a_logger_makes_no_other_run(settings):
    assert identity(settings(**{"trainer.logger": "csv"})) == identity(settings())
