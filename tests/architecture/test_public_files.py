"""The files that a public project is met by agree with what they speak of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CI = (ROOT / ".ci" / "run").read_text()


def read_yaml(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text())


def test_the_workflow_runs_what_ci_runs_and_nothing_else() -> None:
    workflow = read_yaml(".github/workflows/ci.yml")
    steps = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    assert steps == [".ci/run"]


def test_every_check_before_a_commit_is_one_of_ci() -> None:
    hooks = read_yaml(".pre-commit-config.yaml")["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks if hook["entry"] not in CI] == []
    checks = re.findall(r"^\.venv/bin/(\S+)", CI, flags=re.MULTILINE)
    assert {hook["entry"].split("/")[-1].split()[0] for hook in hooks} == set(checks)


def test_citation_and_changelog_know_the_version() -> None:
    version = PROJECT["version"]
    assert read_yaml("CITATION.cff")["version"] == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_container_installs_extras_that_exist_from_paths_that_exist() -> None:
    recipe = (ROOT / "Dockerfile").read_text()
    (extras,) = re.findall(r'"\.\[([^]]+)\]"', recipe)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", recipe, flags=re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    let_through = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")
    }
    assert let_through == set(copied)


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("no hadolint for this platform")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
