"""One bar of a run on a terminal, a line for each finished fold elsewhere, epochs where asked for."""

from __future__ import annotations

import io
import math
import sys
from typing import Any

import pytest

from mmser.core.verbosity import verbose
from mmser.pipeline.train import validation_score
from mmser.runs.run_paths import DONE
from mmser.training.fit import train
from mmser.training.loop.callbacks import shown_score


class Terminal(io.StringIO):
    """An error output that a person looks at."""

    def isatty(self) -> bool:
        return True


def lines_of(settings: Any, capfd: pytest.CaptureFixture[str], **changes: Any) -> list[str]:
    train(settings(folds=["s0", "s1"], **{"trainer.epochs": 2, **changes}))
    return [line for line in capfd.readouterr().err.splitlines() if "fold s" in line]


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_finished_fold_is_one_line_where_nobody_looks_on(settings, capfd, jobs):
    lines = lines_of(settings, capfd, **{"trainer.jobs": jobs})
    assert len(lines) == 2
    assert lines[0].startswith("1/2 fold s") and lines[1].startswith("2/2 fold s")
    assert all("seed 0: validation ua " in line and "of 2 epochs" not in line for line in lines)
    assert " of 2, about " in lines[0] and lines[1].endswith(" of 2")


@pytest.mark.parametrize("jobs", [1, 2])
def test_epochs_are_told_where_asked_for(settings, capfd, jobs):
    with verbose():
        lines = lines_of(settings, capfd, **{"trainer.jobs": jobs})
    assert len(lines) == 6
    assert sum(": epoch 2/2  loss " in line for line in lines) == 2


def test_the_last_step_is_no_score(settings, capfd):
    """``last`` is the number of steps inside: a person is shown the split's recall."""
    with verbose():
        lines = lines_of(settings, capfd, **{"trainer.monitor": "last"})
    assert not [line for line in lines if "validation last" in line or "best" in line]
    assert all("validation ua 0." in line or "validation ua 1.0" in line for line in lines)
    assert "after the last of 2 epochs" in lines[-1]
    assert shown_score("last", {"validation_ua": float("nan"), "validation_loss": 2.0}) == (
        "loss",
        2.0,
    )
    assert shown_score("wa", {"validation_ua": 0.5, "validation_wa": 0.25}) == ("wa", 0.25)


def test_the_last_step_stands_in_no_table_of_scores(settings):
    """Nor does it stop a training: it always improves, and one check's patience suffices."""
    last = {"trainer.monitor": "last", "trainer.patience": 1, "trainer.epochs": 4}
    run = train(settings(folds=["s0"], **last))
    (fold,) = run.finished()
    assert len(fold.curve) == 4 and fold.facts["best_epoch"] == 4
    assert not [name for name in fold.curve if "last" in name]
    assert fold.facts["best_score"] is None
    assert math.isnan(validation_score(run))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_terminal_has_one_bar_of_the_whole_run(settings, monkeypatch, jobs):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run = train(settings(folds=["s0", "s1"], **{"trainer.epochs": 2, "trainer.jobs": jobs}))
    shown = terminal.getvalue()
    # One line that is written over and over, and ended once.
    assert shown.count("\n") == 1
    last = shown.rstrip().split("\r")[-1]
    assert last.startswith("2/2 folds, fold s") and "100%" in last
    if jobs == 1:
        # Not every epoch: a bar is drawn a few times a second.
        assert "fold s0 seed 0" in shown
    assert [fold.seed for fold in run.finished()] == [0, 0]


def test_a_bar_begins_with_the_folds_that_are_done(settings, monkeypatch):
    run = train(settings(folds=["s0", "s1"], **{"trainer.epochs": 1}))
    (run.fold("s1", 0).directory / DONE).unlink()
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    train(settings(folds=["s0", "s1"], **{"trainer.epochs": 1}))
    # Whether an epoch is drawn depends on the time it takes; the fold's end always is.
    shown = terminal.getvalue()
    assert "2/2 fold" in shown and "fold s1 seed 0" in shown and " 50%" in shown
    assert "1/2 fold" not in shown
