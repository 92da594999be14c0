"""A tree of empty files: the layouts that are known by their names alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

Tree = Callable[[list[str]], None]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Create these files, empty, below ``tmp_path``."""

    def touch(names: list[str]) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()

    return touch
