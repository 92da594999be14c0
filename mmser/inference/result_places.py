"""Where the results of each recording go.

None overwrites another's, nor a file that something else made.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmser.core.errors import MmserError, UsageError

SUFFIXES = ("csv", "json", "srt", "vtt", "svg")
PAGE = "html"
OURS = "id,start,end,text,modalities"
"""How the csv of a timeline begins."""


@dataclass(frozen=True, slots=True)
class Place:
    """Results are ``<folder>/<stem>.csv`` and so on."""

    folder: Path
    stem: str


def result_places(
    recordings: Sequence[Path], out: str | Path | None = None, html: bool = False
) -> list[Place]:
    """One place per recording, under the recording's name without its ending.

    It is in ``out``, or beside the recording. Recordings that would share one keep their endings
    (``talk.wav.csv``), or get as many of their folders' names as tell them apart
    (``session_a-interview.csv``). Raises UsageError when that is not enough, and MmserError when
    files of other makers lie there, or nothing can be written. ``html``: a page is written too.
    """
    folders = [recording.parent if out is None else Path(out) for recording in recordings]
    stems = [recording.stem for recording in recordings]
    keys = [_key(folder, stem) for folder, stem in zip(folders, stems, strict=True)]
    shared = [key for key, count in Counter(keys).items() if count > 1]
    for key in shared:
        rows = [row for row, own_key in enumerate(keys) if own_key == key]
        longer = _longer_stems([recordings[row] for row in rows])
        for row, stem in zip(rows, longer, strict=True):
            stems[row] = stem
    places = [Place(folder, stem) for folder, stem in zip(folders, stems, strict=True)]
    _check_apart(places, recordings)
    for folder in dict.fromkeys(folders):
        _check_writable(folder)
    for place in places:
        _check_ours(place, (*SUFFIXES, PAGE) if html else SUFFIXES)
    return places


def _longer_stems(recordings: Sequence[Path]) -> list[str]:
    """The shortest longer stems that differ; the file names where none do."""
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
            clash = f"{first[key]} and {recording} would both be {place.folder / place.stem}.csv"
            raise UsageError(
                "recordings whose results have names of their own", clash, "Predict them apart."
            )
        first[key] = recording


def _check_writable(folder: Path) -> None:
    ancestors = (folder.absolute(), *folder.absolute().parents)
    nearest = next(place for place in ancestors if place.exists())
    if not nearest.is_dir():
        problem = f"{nearest}, which is no folder"
    elif not os.access(nearest, os.W_OK):
        problem = f"no permission to write to {nearest}"
    else:
        return
    raise MmserError(f"a folder for the results at {folder}", problem, "Name another with --out.")


def _check_ours(place: Place, suffixes: Sequence[str]) -> None:
    """Raise MmserError where a file of another origin has the name of a result.

    That is a transcript, say, or subtitles that somebody keeps beside the recording.
    """
    results = [place.folder / f"{place.stem}.{suffix}" for suffix in suffixes]
    existing = [path for path in results if path.exists()]
    if not existing:
        return
    table = place.folder / f"{place.stem}.csv"
    if not (table.is_file() and table.read_bytes()[: len(OURS)] == OURS.encode()):
        names = ", ".join(path.name for path in existing)
        remedy = "Move it away, or name another folder with --out."
        raise MmserError(f"no other files named {place.stem} in {place.folder}", names, remedy)


def _key(folder: Path, stem: str) -> tuple[Path, str]:
    """What two places of the same files share: some file systems take A for a."""
    return folder.resolve(), stem.casefold()


def _distinct(names: Sequence[str]) -> bool:
    return len({name.casefold() for name in names}) == len(names)
