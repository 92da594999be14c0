"""``trainer.logger``: one of the tool's runs for each fold, and the run that it is stays the same."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.runs.run_identity import identity
from mmser.training.fit import train
from mmser.training.loop import loggers
from mmser.training.loop.learner import Learner

TOOLS = ["csv", "tensorboard", "mlflow", "wandb", "trackio"]


@pytest.fixture(scope="session", autouse=True)
def trackio_folder(tmp_path_factory):
    """Trackio looks for its place once, when it is loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKIO_DIR", str(tmp_path_factory.mktemp("trackio")))
        pytest.importorskip("trackio") if loggers.find_spec("trackio") else None
        yield


def present(name: str) -> str:
    pytest.importorskip(name) if name != "csv" else None
    return name


def steps_logged(name: str, fold) -> list[int]:
    """The steps of ``validation_ua`` that a tool has of a fold, in the order of its rows."""
    run = fold.directory.parent.parent
    title = f"fold {fold.fold} seed {fold.seed}"
    if name == "csv":
        return pd.read_csv(fold.directory / "csv/metrics.csv")["step"].tolist()
    if name == "tensorboard":
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(fold.directory / "tensorboard")).Reload()
        return [event.step for event in events.Scalars("validation_ua")]
    if name == "mlflow":
        from mlflow.tracking import MlflowClient

        client = MlflowClient(f"sqlite:///{run}/mlflow.db")
        number = client.get_experiment_by_name(run.name).experiment_id
        (found,) = client.search_runs([number], f"tags.title = '{title}'")
        assert found.data.tags["fold"] == f"fold {fold.fold}"
        return [row.step for row in client.get_metric_history(found.info.run_id, "validation_ua")]
    from trackio.sqlite_storage import SQLiteStorage

    assert SQLiteStorage.get_runs(run.name).count(title) == 1
    logs = SQLiteStorage.get_logs(run.name, title)
    assert {row["validation_ua"] for row in logs} == set(fold.curve["validation_ua"])
    return [row["step"] for row in logs]


@pytest.mark.parametrize("name", TOOLS)
def test_a_resumed_fold_has_each_row_once(settings, monkeypatch, capsys, name):
    """It goes on from a state older than what was logged."""
    from mmser.training.loop import callbacks

    present(name)
    made = settings(run=f"run-{name}", folds=["s0"])
    made["trainer"] |= {"logger": name, "epochs": 4}
    original, calls, states = Learner.training_step, [], iter([True])

    def failing(self, batch, batch_idx):
        calls.append(batch_idx)
        if len(calls) == 17:  # of 6 in an epoch
            raise InterruptedError
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(Learner, "training_step", failing)
        patched.setattr(callbacks.ResumeState, "_is_due", lambda self: next(states, False))
        with pytest.raises(InterruptedError):
            train(made)
    (fold,) = train(made).finished()
    assert len(fold.curve) == 4 and calls[-1] > 0
    assert "Trackio" not in capsys.readouterr().out
    if name == "wandb":
        assert len(list(fold.directory.glob("wandb/offline-run-*/*.wandb"))) == 1
    else:
        assert steps_logged(name, fold) == fold.curve["step"].tolist()


def test_folds_are_runs_of_one_group(settings):
    present("trackio")
    from trackio.sqlite_storage import SQLiteStorage

    made = settings(run="run.of two", folds=["s0", "s1"], seeds=[0, 1])
    made["trainer"] |= {"logger": "trackio", "epochs": 1}
    train(made)
    titles = [f"fold {fold} seed {seed}" for fold in ("s0", "s1") for seed in (0, 1)]
    assert sorted(SQLiteStorage.get_runs("run_of_two")) == titles
    groups = SQLiteStorage.get_all_run_configs("run_of_two").values()
    assert sorted(config["_Group"] for config in groups) == ["fold s0"] * 2 + ["fold s1"] * 2


def test_a_fold_without_epochs_is_logged(settings):
    from tests.training.test_solving import MODEL, SOLVER

    made = settings(folds=["s0"], model=MODEL, solver=SOLVER, **{"trainer.logger": "csv"})
    made["streams"] = {"tone": {"extractor": "tone", "normalise": "zscore"}}
    (fold,) = train(made).finished()
    logged = pd.read_csv(Path(fold.directory) / "csv/metrics.csv")
    assert logged.to_dict("records") == [
        {"epoch": 0.0, "step": 0, "validation_ua": pytest.approx(fold.facts["best_score"])}
    ]


def test_a_missing_library_is_told_before_anything_is_written(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(loggers, "find_spec", lambda name: None)
    with pytest.raises(MmserError, match=r"the library wandb for trainer.logger=wandb"):
        train(settings(**{"trainer.logger": "wandb"}))
    assert not (tmp_path / "run").exists()


def test_a_logger_makes_no_other_run(settings):
    assert identity(settings(**{"trainer.logger": "csv"})) == identity(settings())
