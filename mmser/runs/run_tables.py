"""The files of a run that every reader needs: its settings, its assignment, its facts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.core.errors import MmserError
from mmser.core.saved import read_saved_json, read_saved_yaml
from mmser.core.tables import ASSIGNMENT_COLUMNS, read_parquet, require_columns
from mmser.runs.run_paths import ASSIGNMENT, CONFIG
from mmser.settings.paths import rooted

if TYPE_CHECKING:
    import pandas as pd


def read_settings(directory: Path) -> dict[str, Any]:
    """The config of a run folder, its relative paths found from any folder.

    See `mmser.settings.paths`. Raises MmserError when it is none, or damaged.
    """
    return rooted(read_written_settings(directory), Path.cwd())


def read_written_settings(directory: Path) -> dict[str, Any]:
    """The config of a run folder with its paths as they are written."""
    path = Path(directory) / CONFIG
    if not path.is_file():
        raise MmserError(
            "a run folder", f"no {CONFIG} in {directory}", "Name a folder that `mmser train` made."
        )
    return read_saved_yaml(path)


def read_assignment(directory: Path) -> pd.DataFrame:
    """id, fold, part, label as the run was begun with.

    Raises MmserError when the file is missing or damaged.
    """
    path = Path(directory) / ASSIGNMENT
    table = read_parquet(path, "Train the run again with its command, in another folder.")
    require_columns(table, ASSIGNMENT_COLUMNS, str(path))
    return table


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of a run folder. Raises MmserError when it is missing or damaged."""
    if not path.is_file():
        raise MmserError(
            f"the file {path.name}",
            f"none in {path.parent}",
            "Train the run again with its command.",
        )
    content: dict[str, Any] = read_saved_json(path)
    return content
