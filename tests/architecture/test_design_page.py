"""`docs/design.md` says what the code does: its floor plan is the linter's, its files and nouns exist."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
NAMED_PATH = re.compile(r"`((?:mmser|configs|tests|docs|scripts|pyproject)[\w./<>-]*)`")


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["importlinter"]["contracts"]


def section(title: str) -> str:
    """The text of the page below a heading, up to the next one."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose first column has this header."""
    lines = text.split(f"\n| {header} |")[1].splitlines()[2:]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_the_floor_plan_is_the_linters() -> None:
    layers = next(each["layers"] for each in contracts() if each.get("exhaustive"))
    drawn = section("The floor plan").split("```\n")[1].splitlines()
    assert drawn == layers


def test_every_room_is_described_once_in_the_order_of_the_plan() -> None:
    layers = next(each["layers"] for each in contracts() if each.get("exhaustive"))
    rooms = [room for layer in layers for room in layer.split(" | ")]
    assert [row[0] for row in rows(section("The floor plan"), "room")] == rooms


def test_every_contract_is_listed() -> None:
    names = [each["name"] for each in contracts()]
    assert [row[0] for row in rows(section("The floor plan"), "contract")] == names


def test_every_file_and_folder_that_the_page_names_exists() -> None:
    named = NAMED_PATH.findall(PAGE)
    assert len(named) > 60
    # Of a path with a placeholder the folder before it counts.
    places = [name.split("<")[0] for name in named]
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_every_noun_is_a_class_of_the_file_that_is_named() -> None:
    nouns = rows(section("The nouns"), "noun")
    assert len(nouns) > 20
    for noun, place, _ in nouns:
        tree = ast.parse((ROOT / place.strip("`")).read_text(encoding="utf-8"))
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        assert noun.strip("`") in classes, f"{noun} in {place}"


def test_the_readme_and_contributing_lead_to_the_page() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        assert "(docs/design.md)" in (ROOT / name).read_text(encoding="utf-8"), name
