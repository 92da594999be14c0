"""A run's folder is read without torch, and what evaluation did not write is None."""

import subprocess
import sys

import pandas as pd
import pytest
import yaml

from mmser.core.errors import MmserError
from mmser.runs.run_folder import RunFolder
from mmser.runs.run_paths import ASSIGNMENT, ATTENTION, CONFIG, DONE, FOLD, fold_folder, fold_of
from mmser.runs.training_stages import list_stages


@pytest.fixture
def run(tmp_path):
    (tmp_path / CONFIG).write_text(
        yaml.safe_dump({"stages": {"one": {}, "two": {"data": {"a": 1}}}})
    )
    rows = [("u1", fold, "test", "sad") for fold in ("second", "first/of")]
    pd.DataFrame(rows, columns=["id", "fold", "part", "label"]).to_parquet(tmp_path / ASSIGNMENT)
    for fold, seed in (("first/of", 0), ("second", 1), ("second", 0)):
        fold_folder(tmp_path, fold, seed).mkdir(parents=True)
    for fold, seed in (("first/of", 0), ("second", 1)):
        (fold_folder(tmp_path, fold, seed) / DONE).write_text("{}")
    return RunFolder(tmp_path)


def test_folds_come_by_seed_in_the_protocols_order(run):
    begun = [(one.fold, one.seed) for one in run.fold_folders()]
    assert begun == [("second", 0), ("first/of", 0), ("second", 1)]
    assert run.folds == [("first/of", 0), ("second", 1)]


def test_the_settings_are_the_last_stages(run):
    assert list_stages(run.config)[-1].config["data"] == {"a": 1}


def test_the_task_of_a_fold(run):
    (folder, *_) = run.fold_folders()
    with pytest.raises(MmserError, match=r"the file fold\.json; found none"):
        _ = folder.facts
    (folder.directory / FOLD).write_text('{"task": {"classes": ["sad", "happy"]}}')
    assert folder.task.classes == ("sad", "happy")


def test_a_table_that_was_not_written_and_one_that_is_damaged(run):
    assert run.table(ATTENTION) is None
    (run.directory / ATTENTION).write_text("no table")
    with pytest.raises(MmserError, match="Restore it from a copy"):
        run.table(ATTENTION)


def test_a_folder_of_something_else_is_no_fold(tmp_path):
    assert fold_of(tmp_path / "notes", ["a"]) is None
    assert fold_of(tmp_path / "a-seed3", ["a"]) == ("a", 3)


def test_torch_is_not_imported():
    program = "import sys, mmser.runs.run_folder; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
