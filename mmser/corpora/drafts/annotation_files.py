"""Files of annotation tools as the table of a draft: which reader, and which recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.errors import MmserError, listed_faults
from mmser.core.paths import is_there
from mmser.corpora.drafts.audacity import is_audacity, read_audacity
from mmser.corpora.drafts.eaf import read_eaf
from mmser.corpora.drafts.label_studio import read_label_studio
from mmser.corpora.drafts.name_pattern import NamePattern
from mmser.corpora.drafts.textgrid import read_textgrid
from mmser.corpora.drafts.tiers import Annotated
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES
from mmser.corpora.user_table import as_text

Reader = Callable[[Path, str | None], list[Annotated]]


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


def annotated_table(
    path: Path,
    reader: Reader,
    tier: str | None,
    folder: Path | None,
    pattern: NamePattern | None = None,
) -> pd.DataFrame:
    """One row per stretch that has a label, with absolute paths.

    Recordings lie below ``folder``, None: beside the file. ``pattern`` reads the recordings' names.
    Raises MmserError with all recordings that are not found.
    """
    if not path.is_file():
        raise MmserError(f"annotations in {path}", "no such file", "Check the path.")
    start = folder or path.parent
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
    if not rows:
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
