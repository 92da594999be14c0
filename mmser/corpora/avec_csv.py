"""Frame-level predictions and labels as the AVEC challenges write them: one csv per recording.

``name;timestamp;arousal;valence;liking``. Read are also: commas or tabs between cells, decimal
commas, quoted names and headers, other spellings of the first two headers, CRLF, a byte order mark,
any number of attribute columns in any order. A recording's name is what its name column says;
without one it is the file's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mmser.core.csv_file import parse_csv, separator_of
from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError
from mmser.core.text_file import read_text

NAME_HEADERS = (
    "name",
    "instancename",
    "instname",
    "instance",
    "recording",
    "filename",
    "file",
    "id",
)
TIME_HEADERS = ("timestamp", "timestamps", "time", "frametime", "times", "seconds")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One file: ``times`` (frame,) seconds, increasing; ``values`` (frame, attribute) float32."""

    name: str
    path: Path
    times: np.ndarray
    values: np.ndarray
    attributes: tuple[str, ...]


def read_folder(folder: str | Path, gold: bool = False, headless: bool = False) -> dict[str, Track]:
    """Every ``*.csv`` directly in a folder, hidden ones (``._x``) left out, by recording name.

    An empty cell or NaN is an unlabelled frame in ``gold`` and an error anywhere else. With
    ``headless`` a first line of numbers is a row like any other: name, timestamp, then columns
    called f1, f2, ... Raises MmserError when the folder has no csv, two files are the same
    recording, or the files' attributes differ.
    """
    folder = Path(folder)
    paths = (
        sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() == ".csv")
        if folder.is_dir()
        else []
    )
    if not paths:
        found = "no csv in it" if folder.is_dir() else "no such folder"
        raise MmserError(
            f"a folder with one csv per recording at {folder}", found, "Check the path."
        )
    tracks: dict[str, Track] = {}
    for path in paths:
        track = read_track(path, gold, headless)
        if track.name in tracks:
            both = f"{tracks[track.name].path.name} and {path.name}"
            raise MmserError(
                f"one file per recording in {folder}",
                f"{track.name} in {both}",
                "Remove or rename one.",
            )
        tracks[track.name] = track
    first = next(iter(tracks.values()))
    for track in tracks.values():
        if sorted(track.attributes) != sorted(first.attributes):
            raise MmserError(
                f"the attributes {', '.join(first.attributes)} in every file of {folder}",
                f"{', '.join(track.attributes)} in {track.path.name}",
                "Give all files the same columns.",
            )
    return {name: _ordered(track, first.attributes) for name, track in tracks.items()}


def read_track(path: Path, gold: bool = False, headless: bool = False) -> Track:
    """One file; frames come out in the order of their times.

    Raises MmserError naming the file and the first fault.
    """
    table = _table(path, headless)
    names, times = _found(table, NAME_HEADERS), _found(table, TIME_HEADERS)
    attributes = [column for column in table.columns if column not in (names, times)]
    if times is None or not attributes:
        header = ", ".join(table.columns)
        remedy = "Write the header name;timestamp;arousal;valence;..."
        raise MmserError(
            f"a timestamp column and at least one attribute in {path}",
            f"the header {header}",
            remedy,
        )
    stamps = _numbers(table[times], path, False).astype(np.float64)
    order = np.argsort(stamps, kind="stable")
    twice = np.flatnonzero(np.diff(stamps[order]) <= 0)
    if len(twice):
        raise MmserError(
            f"each timestamp once in {path}",
            f"{stamps[order][twice[0]]:g} s twice",
            "Remove one row.",
        )
    columns = [_numbers(table[column], path, gold) for column in attributes]
    values = np.stack(columns, axis=1).astype(np.float32)
    return Track(_name(table, names, path), path, stamps[order], values[order], tuple(attributes))


def write_track(
    path: Path, name: str, times: np.ndarray, values: np.ndarray, attributes: Sequence[str]
) -> None:
    """Write one recording in the challenge's form: semicolons, quoted name, six decimals."""
    table = pd.DataFrame(values, columns=list(attributes))
    table.insert(0, "timestamp", times)
    table.insert(0, "name", f"'{name}'")
    with full_disk_named(path):
        table.to_csv(path, sep=";", index=False, float_format="%.6f", lineterminator="\n")


def _table(path: Path, headless: bool = False) -> pd.DataFrame:
    """All cells as text, headers in lower case without quotes."""
    text = read_text(path)
    header = text.lstrip().split("\n", 1)[0]
    separator = separator_of(text)
    cells = header.split(separator)
    if headless and len(cells) > 2 and all(_is_number(cell) for cell in cells[1:]):
        text = (
            separator.join(["name", "timestamp", *(f"f{i + 1}" for i in range(len(cells) - 2))])
            + "\n"
            + text
        )
    table = parse_csv(text, path).fillna("")
    if table.empty:
        raise MmserError(f"at least one frame in {path}", "none", "Remove the file or fill it.")
    table.columns = pd.Index([_plain(str(column)).lower() for column in table.columns])
    if table.columns.has_duplicates:
        raise MmserError(f"each column once in {path}", ", ".join(table.columns), "Rename one.")
    if separator != ",":
        for column in table.columns:
            if column not in NAME_HEADERS:
                table[column] = table[column].str.replace(",", ".", regex=False)
    return table


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _plain(text: str) -> str:
    return text.strip().strip("'\"").strip()


def _found(table: pd.DataFrame, headers: Sequence[str]) -> str | None:
    spelt = {
        column.replace("_", "").replace(" ", "").replace("-", ""): column
        for column in table.columns
    }
    return next((spelt[header] for header in headers if header in spelt), None)


def _name(table: pd.DataFrame, column: str | None, path: Path) -> str:
    if column is None:
        return path.stem
    names = {_plain(name) for name in table[column].unique()} - {""}
    if len(names) > 1:
        several = ", ".join(sorted(names)[:3])
        raise MmserError(
            f"one recording in {path}", f"the names {several}", "Write one file per recording."
        )
    return names.pop() if names else path.stem


def _numbers(column: pd.Series, path: Path, may_miss: bool) -> np.ndarray:
    """float64, NaN where a cell is empty or says so."""
    numbers = pd.to_numeric(column.str.strip(), errors="coerce").to_numpy(np.float64)
    missing = column.str.strip().str.lower().isin(["", "nan", "na", "?"]).to_numpy()
    wrong = ~np.isfinite(numbers) & ~(missing & may_miss)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        found = f"'{column.iloc[row]}' in frame {row + 1} ({int(wrong.sum())} such cells)"
        raise MmserError(
            f"a number in every cell of column {column.name} of {path}", found, "Repair the file."
        )
    return numbers


def _ordered(track: Track, attributes: Sequence[str]) -> Track:
    """The same track with its columns in this order."""
    places = [track.attributes.index(attribute) for attribute in attributes]
    return Track(track.name, track.path, track.times, track.values[:, places], tuple(attributes))
