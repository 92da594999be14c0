"""A run's folder, opened from another working directory than the one it was made in."""

from pathlib import Path

import pytest
import yaml

from mmser.core import moved_names
from mmser.core.errors import MmserError
from mmser.runs.run_identity import claim, run_directory
from mmser.runs.run_paths import CONFIG
from mmser.runs.run_tables import read_settings


def made(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "cache").mkdir(parents=True)
    there.mkdir()
    settings = {
        "cache": "cache",
        "paths": {"cache": "cache"},
        "seeds": [0],
        "corpus": {"root": "/data"},
    }
    settings["word_vectors"] = "cache"
    monkeypatch.chdir(here)
    claim(Path("run"), settings)
    monkeypatch.chdir(there)
    return here, settings


def test_the_cache_is_found_from_another_directory(tmp_path, monkeypatch):
    here, settings = made(tmp_path, monkeypatch)
    assert read_settings(here / "run")["cache"] == str(here / "cache")
    claim(here / "run", settings)
    claim(here / "run", {**read_settings(here / "run"), "card": {"name": "renamed"}})
    with pytest.raises(MmserError, match=r"seeds=\[0\] \(now \[1\]\)"):
        claim(here / "run", {**settings, "seeds": [1]})


def test_a_run_of_an_earlier_version_or_one_that_was_moved_reads_as_before(tmp_path, monkeypatch):
    here, settings = made(tmp_path, monkeypatch)
    (here / "cache").rmdir()
    assert read_settings(here / "run")["cache"] == "cache"
    (here / "run" / CONFIG).write_text(yaml.safe_dump(settings))
    (here / "cache").mkdir()
    assert read_settings(here / "run") == settings


def test_a_run_begun_before_a_part_moved_goes_on_in_its_folder(tmp_path, monkeypatch):
    settings = {
        "protocol": {"name": "p"},
        "trainer": {"accelerator": "cpu"},
        "paths": {"runs": str(tmp_path)},
        "objective": {"_target_": "mmser.old.Loss"},
    }
    folder = run_directory(settings)
    claim(folder, settings)
    monkeypatch.setattr(moved_names, "MOVED", {"mmser.old": "mmser.new"})
    now = {**settings, "objective": {"_target_": "mmser.new.Loss"}}
    assert run_directory(now) == folder
    claim(folder, now)
    assert read_settings(folder)["objective"] == now["objective"]
