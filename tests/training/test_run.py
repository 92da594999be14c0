"""A run is opened with its trained folds; one without any says so once."""

import pandas as pd
import pytest
import yaml

from mmser.core.errors import MmserError
from mmser.runs.run_paths import ASSIGNMENT, CONFIG, DONE, fold_folder
from mmser.training.run import Run


@pytest.fixture
def folder(tmp_path):
    (tmp_path / CONFIG).write_text(yaml.safe_dump({"stages": {}}))
    table = pd.DataFrame([("u1", "a", "test", "sad")], columns=["id", "fold", "part", "label"])
    table.to_parquet(tmp_path / ASSIGNMENT)
    return tmp_path


def test_no_finished_fold(folder):
    fold_folder(folder, "a", 0).mkdir(parents=True)
    with pytest.raises(MmserError, match=r"at least one finished fold; found none in .* goes on"):
        Run(folder).finished()


def test_finished_folds_are_named(folder):
    fold_folder(folder, "a", 1).mkdir(parents=True)
    (fold_folder(folder, "a", 1) / DONE).write_text("{}")
    (trained,) = Run(folder).finished()
    assert (trained.fold, trained.seed) == ("a", 1)
    assert trained.directory == fold_folder(folder, "a", 1)
    assert Run(folder).fold("a", 1).directory == trained.directory
    with pytest.raises(MmserError, match="a finished fold a seed 0; found a seed 1"):
        Run(folder).fold("a", 0)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(MmserError, match=r"a run folder; found no config\.yaml"):
        Run(tmp_path)
