"""Commands that stand on the pages of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPEN_ENDED = re.compile(r"\.\.\.|\||(?<!=)\[|<|\bmine\b(?!/)")
"""Marks of a line that shows a form, not a command: ``...``, ``a|b``, ``[optional]``, a part of
one's own.
"""
BLOCK = re.compile(r"^```([a-z]*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
PRINTED = "console"
"""The language of a block that shows what a command prints."""


def blocks_of(page: Path) -> list[tuple[str, str]]:
    """(language, text) of its code blocks."""
    return BLOCK.findall(page.read_text())


def commands_of(page: Path) -> list[str]:
    """Its commands, in their order."""
    return [line for block in blocks_of(page) for line in commands_in(*block)]


def commands_in(language: str, text: str) -> list[str]:
    """The lines of a block that begin with ``mmser``, whole and without their comments."""
    if language == PRINTED:
        return []
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    commands = [re.split(r"\s{2,}|\s+#", line)[0] for line in lines]
    return [line for line in commands if line.startswith("mmser ") and not OPEN_ENDED.search(line)]
