"""The doctor says what is there and what to do about what is not."""

import tomllib
from pathlib import Path

from mmser import doctor as examination


def test_required_packages_are_found_and_a_missing_one_is_a_fault(monkeypatch):
    assert all(finding.ok for finding in examination.doctor())
    monkeypatch.setattr(examination, "REQUIRED", ("no-such-distribution",))
    fault = examination.doctor()[0]
    assert not fault.ok
    assert fault.remedy == "pip install mmser"


def test_weights_folder_is_listed_without_reading_it(tmp_path):
    (tmp_path / "glove.txt").write_text("a 0.1")
    (tmp_path / "notes.md").write_text("")
    found = {finding.what: finding for finding in examination.doctor(tmp_path)}
    assert found[f"weights in {tmp_path}"].found == "glove.txt"


def test_every_extra_that_a_user_may_want_is_looked_for():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    assert set(examination.EXTRAS) == set(extras) - {"test", "notebooks", "docs"}
    for extra, package in examination.EXTRAS.items():
        assert any(line.startswith(package) for line in extras[extra]), extra
