"""Every file below a folder, wherever symbolic links lead."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def files_below(root: Path) -> list[Path]:
    """Every file below ``root``, sorted by path; none where there is no such folder.

    Symbolic links are followed, as `folders_below` says; those that lead nowhere are told.
    """
    if not root.is_dir():
        return []
    entries = [entry for folder in folders_below(root) for entry in os.scandir(folder)]
    lost = sorted(
        entry.path for entry in entries if entry.is_symlink() and not Path(entry.path).exists()
    )
    if lost:
        log.warning("%d symbolic links below %s lead nowhere, %s first", len(lost), root, lost[0])
    return sorted(Path(entry.path) for entry in entries if entry.is_file())


def folders_below(root: Path) -> list[Path]:
    """``root`` and every folder below it, sorted by path; each real folder once, whatever links
    lead to it.

    A folder that lies below the root goes by its own path, and only what links alone reach by
    theirs.
    """
    found: dict[str, Path] = {}
    real: list[Path] = [root]
    links: list[Path] = []
    while real or links:
        folder = real.pop() if real else links.pop()
        place = os.path.realpath(folder)
        if place in found:
            continue
        found[place] = folder
        inside = sorted(
            (entry for entry in os.scandir(folder) if entry.is_dir()), key=lambda entry: entry.name
        )
        real += [Path(entry.path) for entry in reversed(inside) if not entry.is_symlink()]
        links[:0] = [Path(entry.path) for entry in reversed(inside) if entry.is_symlink()]
    return sorted(found.values())
