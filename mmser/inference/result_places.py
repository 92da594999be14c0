"""Where the results of each recording go, so that none overwrites another's, and no file that is
not ours.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmser.core.errors import MmserError, UsageError

SUFFIXES = ("csv", "json", "srt", "vtt", "svg")
OURS = "id,start,end,text,modalities"
"""How the csv of a timeline begins."""


@dataclass(frozen=True, slots=True)
class Place:
    """Results are ``<folder>/<stem>.csv`` and so on."""

    folder: Path
    stem: str


def result_places(recordings: Sequence[Path], out: str | Path | None = None) -> list[Place]:
    """One place per recording: ``out``, or beside each, under the recording's name without its
    ending.

    Recordings that would share one keep their endings (``talk.wav.csv``), or get as many of their
    folders' names as tell them apart (``session_a-interview.csv``). Raises UsageError when that is
    not enough, and MmserError when files of other makers lie there, or nothing can be written.
    """
    folders = [recording.parent if out is None else Path(out) for recording in recordings]
    stems = [recording.stem for recording in recordings]
    places = [_key(folder, stem) for folder, stem in zip(folders, stems, strict=True)]
    for shared in (place for place, count in Counter(places).items() if count > 1):
        rows = [row for row, place in enumerate(places) if place == shared]
        for row, stem in zip(rows, _told_apart([recordings[row] for row in rows]), strict=True):
            stems[row] = stem
    found = [Place(folder, stem) for folder, stem in zip(folders, stems, strict=True)]
    _check_apart(found, recordings)
    for folder in dict.fromkeys(folders):
        _check_writable(folder)
    for place in found:
        _check_ours(place)
    return found


def _told_apart(recordings: Sequence[Path]) -> list[str]:
    names = [recording.name for recording in recordings]
    if _distinct(names):
        return names
    paths = [recording.resolve() for recording in recordings]
    for depth in range(1, max(len(path.parts) for path in paths)):
        for end in ([path.stem for path in paths], [path.name for path in paths]):
            folders = ["-".join(path.parent.parts[1:][-depth:]) for path in paths]
            longer = [f"{folder}-{name}" for folder, name in zip(folders, end, strict=True)]
            if _distinct(longer):
                return longer
    return names


def _check_apart(places: Sequence[Place], recordings: Sequence[Path]) -> None:
    first: dict[tuple[Path, str], Path] = {}
    for place, recording in zip(places, recordings, strict=True):
        key = _key(place.folder, place.stem)
        if key in first:
            found = f"{first[key]} and {recording} would both be {place.folder / place.stem}.csv"
            raise UsageError(
                "recordings whose results have names of their own", found, "Predict them apart."
            )
        first[key] = recording


def _check_writable(folder: Path) -> None:
    there = next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
    if not there.is_dir() or not os.access(there, os.W_OK):
        found = (
            f"{there}, which is no folder"
            if not there.is_dir()
            else f"no permission to write to {there}"
        )
        raise MmserError(f"a folder for the results at {folder}", found, "Name another with --out.")


def _check_ours(place: Place) -> None:
    """A transcript or subtitles that somebody keeps beside the recording are not
    ours to replace.
    """
    there = [
        path for suffix in SUFFIXES if (path := place.folder / f"{place.stem}.{suffix}").exists()
    ]
    if not there:
        return
    table = place.folder / f"{place.stem}.csv"
    if not (table.is_file() and table.read_bytes()[: len(OURS)] == OURS.encode()):
        found = ", ".join(path.name for path in there)
        remedy = "Move it away, or name another folder with --out."
        raise MmserError(f"no other files named {place.stem} in {place.folder}", found, remedy)


def _key(folder: Path, stem: str) -> tuple[Path, str]:
    """Some file systems take A for a."""
    return folder.resolve(), stem.casefold()


def _distinct(names: Sequence[str]) -> bool:
    return len({name.casefold() for name in names}) == len(names)
