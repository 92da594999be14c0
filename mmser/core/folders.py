"""Every file below a folder, wherever symbolic links lead."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def files_below(root: Path) -> list[Path]:
    """Every file below ``root``, sorted by path; none where there is no such folder.

    Symbolic links are followed, as `folders_below` says; a warning names those that lead nowhere.
    """
    if not root.is_dir():
        return []
    files: list[Path] = []
    broken: list[str] = []
    for folder in folders_below(root):
        for entry in os.scandir(folder):
            if entry.is_file():
                files.append(Path(entry.path))
            elif entry.is_symlink() and not Path(entry.path).exists():
                broken.append(entry.path)
    if broken:
        log.warning(
            "%d symbolic links below %s lead nowhere, %s first", len(broken), root, min(broken)
        )
    return sorted(files)


def folders_below(root: Path) -> list[Path]:
    """``root`` and every folder below it, sorted by path.

    Each real folder is listed once, however many links lead to it. A folder that lies below the
    root goes by its own path, and only what links alone reach by theirs.
    """
    folders: dict[str, Path] = {}
    # Links wait until every real folder has been visited.
    real: list[Path] = [root]
    links: list[Path] = []
    while real or links:
        folder = real.pop() if real else links.pop()
        place = os.path.realpath(folder)
        if place in folders:
            continue
        folders[place] = folder
        inside = [entry for entry in os.scandir(folder) if entry.is_dir()]
        # Folders are taken from the end of a list, so the first by name goes last.
        inside.sort(key=lambda entry: entry.name, reverse=True)
        real += [Path(entry.path) for entry in inside if not entry.is_symlink()]
        links[:0] = [Path(entry.path) for entry in inside if entry.is_symlink()]
    return sorted(folders.values())
