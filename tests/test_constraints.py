"""constraints.txt names every dependency at a version that pyproject.toml allows, and its script
marks the Pythons.
"""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TESTED = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line[:1].isalnum()
]
EXTRAS = PROJECT["optional-dependencies"]
UNTRIED = {"app", "faster-whisper", "mlflow", "trackio", "umap", "wandb"}
"""Extras that the suite runs without."""


def required() -> list[Requirement]:
    words = [
        *PROJECT["dependencies"],
        *(word for extra in EXTRAS if extra not in UNTRIED for word in EXTRAS[extra]),
    ]
    return [Requirement(word) for word in words if not word.startswith("mmser")]


@pytest.mark.parametrize("requirement", required(), ids=lambda requirement: requirement.name)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_a_dependency_is_constrained_to_a_version_it_allows(
    requirement: Requirement, python: str
) -> None:
    name = canonicalize_name(requirement.name)
    fitting = [
        line
        for line in TESTED
        if canonicalize_name(line.name) == name
        and (line.marker is None or line.marker.evaluate({"python_version": python}))
    ]
    assert len(fitting) == 1
    (version,) = [specifier.version for specifier in fitting[0].specifier]
    assert requirement.specifier.contains(version)


@pytest.mark.parametrize("requirement", required(), ids=lambda requirement: requirement.name)
def test_a_dependency_has_an_upper_bound(requirement: Requirement) -> None:
    if requirement.name.endswith("-stubs") or requirement.name.startswith("types-"):
        return
    assert re.search(r"~=|==|<", str(requirement.specifier))


def test_a_version_is_marked_with_its_pythons() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_constraints.py"))
    environments = {
        "3.11": {"a": "1", "b": "1", "c": "1"},
        "3.12": {"a": "1", "b": "2"},
        "3.13": {"a": "1", "b": "2"},
    }
    assert script["constraints"](environments) == [
        "a==1",
        'b==1 ; python_version < "3.12"',
        'b==2 ; python_version >= "3.12"',
        'c==1 ; python_version < "3.12"',
    ]
