"""A folder of recordings whose names, or whose folders' names, say what is heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from mmser.core.errors import MmserError, listed_faults
from mmser.core.folders import files_below
from mmser.core.printable import is_utf8, printable
from mmser.corpora.drafts.folder_levels import level_roles
from mmser.corpora.drafts.name_pattern import EXAMPLE, NamePattern
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES, media


def read_recordings(folder: Path, pattern: NamePattern | None, skip: bool) -> pd.DataFrame:
    """One row per recording; a sound and a film of one name are one.

    Without a pattern the folders' names say what is heard. ``skip`` leaves out recordings whose
    names do not fit, told in ``attrs["left out"]``; without it they raise MmserError.
    """
    recordings: dict[str, dict[str, str]] = {}
    for path in media(files_below(folder), (*SOUND_SUFFIXES, *VIDEO_SUFFIXES)):
        name = path.relative_to(folder).as_posix()
        row = recordings.setdefault(name.rpartition(".")[0], {"name": name})
        column = "video_path" if path.suffix.lower() in VIDEO_SUFFIXES else "audio_path"
        row[column] = str(path.absolute())
    if not recordings:
        raise MmserError(
            f"recordings ({', '.join((*SOUND_SUFFIXES, *VIDEO_SUFFIXES))}) below {folder}",
            "none",
            "Name the folder that holds them.",
        )
    unreadable = [name for name in recordings if not is_utf8(name)]
    if unreadable:
        # A table is UTF-8, and its cell would lead to no file.
        raise listed_faults(
            "names of files in UTF-8", [printable(name) for name in unreadable], "Rename these."
        )
    rows = list(recordings.values())
    names = [row.pop("name") for row in rows]
    told: Sequence[dict[str, str] | None]
    left_out: list[str] = []
    if pattern is not None:
        told, left_out = _told_by_pattern(names, pattern, skip)
    else:
        told = _told_by_folders(names)
    pairs = zip(rows, told, strict=True)
    table = pd.DataFrame([{**row, **fields} for row, fields in pairs if fields is not None])
    whole = table.astype(object).where(table.notna(), None)
    whole.attrs["left out"] = left_out
    return whole


def _told_by_pattern(
    names: Sequence[str], pattern: NamePattern, skip: bool
) -> tuple[list[dict[str, str] | None], list[str]]:
    """What each name says, None where it does not fit; and why those do not."""
    faults: list[str] = []
    told: list[dict[str, str] | None] = []
    for name in names:
        try:
            told.append(pattern.fields_of(name))
        except ValueError as reason:
            told.append(None)
            faults.append(f"{name} {reason}")
    expected = f"every recording named as '{pattern.text}'"
    change = "Change the pattern (a fixed number of characters is {speaker:2})"
    if len(faults) == len(names):
        raise MmserError(
            expected, f"none of {len(names)} that is, such as {', '.join(names[:3])}", f"{change}."
        )
    if faults and not skip:
        raise listed_faults(
            expected, faults, f"{change}, rename these, or leave them out by --skip."
        )
    return told, faults


def _told_by_folders(names: Sequence[str]) -> list[dict[str, str]]:
    roles = level_roles(names)
    if "emotion" not in roles:
        raise MmserError(
            "folders named by emotions (happy/, sad/, ...)",
            f"recordings such as {', '.join(names[:3])}",
            f"Say how names are made with --pattern, {EXAMPLE}.",
        )
    told = []
    for name in names:
        parts = PurePosixPath(name).parts
        told.append({role: part for role, part in zip(roles, parts, strict=False) if role})
    return told
