"""The counting script, on a package small enough to count by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("counts.py")
MODULE = '''"""A module.

Its docstring is no code.
"""

from dataclasses import dataclass
from typing import Any

# Why it is so.
PAIRS = [(row, column) for row in range(2) for column in range(2)]


@dataclass
class Nine:
    """Nine fields."""

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int
    g: int
    h: int
    i: Any


class Two:
    def __init__(self, part: int, other: int) -> None:
        self.part = getattr(part, "real", other)  # noqa: B009
'''


def counted(root: Path) -> dict[str, str]:
    command = [sys.executable, str(SCRIPT), str(root)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = (line.split("  ", 1) for line in printed.splitlines())
    return {name: figure.strip() for name, figure in rows}


def test_a_package_counted_by_hand(tmp_path: Path) -> None:
    for folder, name, text in [
        ("mmser", "__init__", '"""The package."""\n'),
        ("mmser/data", "__init__", '"""The room."""\n'),
        ("mmser/data", "nine", MODULE),
        ("mmser/data", "one", "ONE = 1\n"),
        ("tests/data", "test_nine", ""),
    ]:
        path = tmp_path / folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    figures = counted(tmp_path)
    assert figures["lines of a file, median / max"] == "15.5 / 30"
    assert figures["code lines"] == "18"
    assert figures["code lines of a function, median / max"] == "2 / 2"
    assert figures["Any, per thousand lines"] == "1 (55.6)"
    assert figures["getattr and hasattr sites"] == "1"
    assert figures["comprehensions, per hundred lines"] == "1 (5.6)"
    assert figures["nested comprehensions"] == "1"
    assert figures["comment lines, per thousand lines"] == "1 (55.6)"
    assert figures["constructors over 8 arguments"] == "1 of 2"
    assert figures["modules with a mirrored test"] == "1 of 2 (50%)"
    assert figures["names with many meanings"].startswith("part 3, found 0")
    assert figures["longest line"] == "66"
    assert figures["modules per room"] == "data 2"
