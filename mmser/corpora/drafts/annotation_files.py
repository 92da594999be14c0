"""Files of annotation tools as the table of a draft: which reader, and which recording."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.errors import MmserError, listed_faults
from mmser.core.folders import files_below
from mmser.core.paths import is_there
from mmser.core.table_file import as_text
from mmser.corpora.drafts.audacity import is_audacity, read_audacity
from mmser.corpora.drafts.eaf import read_eaf
from mmser.corpora.drafts.label_studio import read_label_studio
from mmser.corpora.drafts.name_pattern import NamePattern
from mmser.corpora.drafts.textgrid import read_textgrid
from mmser.corpora.drafts.tiers import Annotated
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES

Reader = Callable[[Path, str | None], list[Annotated]]
BESIDE = (".textgrid", ".eaf", ".txt")
"""Endings of files that are about one recording each."""


def annotation_reader(path: Path) -> Reader | None:
    """``reader(path, tier)`` of the file's format; None where it is no annotation file."""
    suffix = path.suffix.lower()
    if suffix == ".txt" and path.is_file() and is_audacity(path):
        return read_audacity
    by_suffix: dict[str, Reader] = {
        ".textgrid": read_textgrid,
        ".eaf": read_eaf,
        ".json": read_label_studio,
    }
    return by_suffix.get(suffix)


def annotation_files(folder: Path) -> list[Path]:
    """The TextGrids, .eaf and label tracks below a folder, one beside each recording."""
    return [
        path
        for path in files_below(folder)
        if path.suffix.lower() in BESIDE and annotation_reader(path) is not None
    ]


def annotated_tables(
    files: Sequence[Path],
    folder: Path,
    tier: str | None,
    media: Path | None,
    pattern: NamePattern | None = None,
) -> pd.DataFrame:
    """The rows of all ``files`` below ``folder``.

    Recordings lie beside each file, or below ``media``: in the same folders as the annotations
    below ``folder``, or all in one. Raises MmserError with what is wrong in any of the files, and
    for several files about one recording.
    """
    tables, faults, source_of = [], [], dict[str, Path]()
    for path in files:
        reader = annotation_reader(path)
        if reader is None:
            continue
        start = path.parent
        if media is not None:
            same = media / path.parent.relative_to(folder)
            start = same if same.is_dir() else media
        # Only where nothing is labelled in any of them is that a fault.
        try:
            table = annotated_table(path, reader, _tier_for(path, tier), start, pattern, True)
        except MmserError as fault:
            faults.append(f"{path.relative_to(folder)}: {fault}")
            continue
        tables.append(table)
        for name in {*table.get("audio_path", ()), *table.get("video_path", ())} - {None}:
            if source_of.setdefault(name, path) != path:
                both = f"{source_of[name].relative_to(folder)} and {path.relative_to(folder)}"
                faults.append(f"{both} are about the same recording")
    if faults:
        raise listed_faults(f"annotations in {folder}", faults, "Correct these, or move them away.")
    if not any(map(len, tables)):
        raise MmserError(f"labels in {folder}", "none", "Label stretches of the recordings first.")
    table = pd.concat([each for each in tables if len(each)], ignore_index=True)
    return table.astype(object).where(table.notna(), None)


def _tier_for(path: Path, tier: str | None) -> str | None:
    """Label tracks have no tiers."""
    return None if path.suffix.lower() == ".txt" else tier


def annotated_table(
    path: Path,
    reader: Reader,
    tier: str | None,
    folder: Path | None,
    pattern: NamePattern | None = None,
    may_be_empty: bool = False,
) -> pd.DataFrame:
    """One row per stretch that has a label, with absolute paths.

    Recordings lie below ``folder``, None: beside the file. ``pattern`` reads the recordings' names.
    Raises MmserError with all recordings that are not found, and unless it ``may_be_empty`` where
    there are no labels.
    """
    if not path.is_file():
        raise MmserError(f"annotations in {path}", "no such file", "Check the path.")
    start = (folder or path.parent).absolute()
    rows: list[dict[str, Any]] = []
    lost: list[str] = []
    for annotated in reader(path, tier):
        names = annotated.media or _same_name(path, start)
        found = _recordings(names, start)
        if not found:
            lost.append(annotated.media[0] if annotated.media else f"{_stem(path)}.wav, .mp4, ...")
            continue
        told = _told(next(iter(found.values())), pattern)
        rows += [{**found, **told, **row} for row in annotated.rows]
    if lost:
        raise listed_faults(
            f"the recordings of {path} in {start}",
            [f"no {name}" for name in lost],
            "Put them there, or name their folder with --media.",
        )
    if not rows and not may_be_empty:
        raise MmserError(f"labels in {path}", "none", "Label stretches of the recording first.")
    return as_text(pd.DataFrame(rows))


def _told(path: str, pattern: NamePattern | None) -> dict[str, str]:
    if pattern is None:
        return {}
    try:
        return pattern.fields_of(Path(path).as_posix())
    except ValueError as reason:
        raise MmserError(
            f"recordings named as '{pattern.text}'", f"{path} {reason}", "Change the pattern."
        ) from reason


def _recordings(names: Any, start: Path) -> dict[str, str]:
    """{audio_path, video_path: the first file of that kind} of these names, from ``start``.

    A name with folders that are not there (of another machine) is looked for without them.
    """
    found: dict[str, str] = {}
    for name in names:
        for place in (start / name.lstrip("/"), start / Path(name).name, Path(name)):
            kind = _kind(place)
            if kind is not None and place.is_absolute() and is_there(place, Path.is_file):
                found.setdefault(kind, str(place))
                break
    return found


def _kind(path: Path) -> str | None:
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return "video_path"
    return "audio_path" if path.suffix.lower() in SOUND_SUFFIXES else None


def _same_name(path: Path, start: Path) -> list[str]:
    """The recordings that have the file's name."""
    stems = {path.stem, _stem(path)}
    return sorted(
        each.name for each in start.iterdir() if each.stem in stems and _kind(each) is not None
    )


def _stem(path: Path) -> str:
    """``talk`` of ``talk.TextGrid``, and of ``talk.audacity.txt`` as `mmser predict` names it."""
    return path.stem.removesuffix(".audacity")
