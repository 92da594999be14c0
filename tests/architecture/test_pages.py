"""The pages' commands are commands: the parser takes them, and what they compose is there."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from makers.pages import PAGES, ROOT, commands_of

import mmser
from mmser.cli import COMMANDS as COMMANDS_OF_MMSER
from mmser.cli import build_parser
from mmser.pipeline.train_settings import train_settings

COMMANDS = [(page, line) for page in PAGES for line in commands_of(page)]


@pytest.mark.parametrize(
    ("page", "line"),
    COMMANDS,
    ids=[f"{page.stem}-{number}" for number, (page, _) in enumerate(COMMANDS)],
)
def test_a_command_of_a_page_parses_and_composes(page: Path, line: str) -> None:
    try:
        options = build_parser().parse_args(shlex.split(line)[1:])
    except SystemExit:
        pytest.fail(f"{page.name}: {line}")
    if options.command != "train" or options.config or options.multirun:
        return
    words = [word for word in options.overrides if not word.startswith(("folds=shard", "launcher"))]
    if {word.partition("=")[0] for word in words} >= {"system", "corpus"}:
        assert train_settings(words)["model"]


def test_pages_have_commands() -> None:
    assert len(COMMANDS) > 60


def test_the_list_of_commands_is_complete() -> None:
    page = (ROOT / "docs" / "parts.md").read_text()
    assert [
        command.name for command in COMMANDS_OF_MMSER if f"\nmmser {command.name}" not in page
    ] == []


def test_the_reference_has_every_name_that_mmser_offers() -> None:
    page = (ROOT / "docs" / "reference.md").read_text()
    documented = {line.rsplit(".", 1)[1] for line in page.splitlines() if line.startswith("::: ")}
    assert set(mmser.__all__) - {"__version__"} <= documented


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    mkdocs = Path(sys.executable).with_name("mkdocs")
    if not mkdocs.exists():
        pytest.skip("the extra docs is not installed")
    done = subprocess.run(
        [mkdocs, "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING -" not in done.stderr
    page = (tmp_path / "site" / "commands" / "index.html").read_text()
    assert "mmser crosscorpus" in page
    assert "fonts.googleapis" not in (tmp_path / "site" / "index.html").read_text()
