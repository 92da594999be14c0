"""The manifest: one table row per `Utterance`, and back.

Columns are the fields of `Utterance` in order, with paths as text, ``words`` and ``votes`` as JSON
text and a missing value as None (text) or NaN (numbers). Each key of ``Utterance.extra`` is one
further text column; so is every column of a user's own table that is no field of `Utterance`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.csv_file import read_csv_file
from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError
from mmser.core.tables import read_parquet, require_columns
from mmser.core.utterance import Utterance, Vote, Word

FIELDS = tuple(f.name for f in fields(Utterance) if f.name != "extra")
NUMBERS = ("start", "end", "valence", "arousal", "dominance")
PATHS = ("audio_path", "video_path")
JSON_COLUMNS = ("words", "votes")
NULLABLE_TEXT = ("transcript", "face_side", "emotion", "sentiment")
TEXT = tuple(
    name for name in FIELDS if name not in (*NUMBERS, *PATHS, *JSON_COLUMNS, *NULLABLE_TEXT, "turn")
)


def to_table(utterances: Iterable[Utterance]) -> pd.DataFrame:
    """One row per utterance, in order.

    Raises MmserError when an id occurs twice or an ``extra`` key is also a field of `Utterance`.
    """
    listed = list(utterances)
    extra = sorted({key for utterance in listed for key in utterance.extra})
    clash = [key for key in extra if key in FIELDS]
    if clash:
        raise MmserError(
            "extra columns with names of their own",
            f"'{clash[0]}', a field of Utterance",
            "Rename it.",
        )
    # Column by column: a million rows as dictionaries take a gigabyte.
    columns = {name: _cells(listed, name) for name in FIELDS}
    columns |= {key: [utterance.extra.get(key) for utterance in listed] for key in extra}
    table = pd.DataFrame(columns, columns=[*FIELDS, *extra])
    table[list(NUMBERS)] = table[list(NUMBERS)].astype("float64")
    table["turn"] = table["turn"].astype("int64")
    text = [name for name in table.columns if name not in (*NUMBERS, "turn")]
    table[text] = table[text].astype(object).where(table[text].notna(), None)
    _check_unique(table)
    return table


def from_table(table: pd.DataFrame) -> list[Utterance]:
    """The utterances of a manifest, in row order; further columns go to ``extra``.

    Raises MmserError when ``id``, ``corpus`` or ``speaker`` is no column or an id occurs twice.
    """
    require_columns(table, ("id", "corpus", "speaker"), "a manifest")
    _check_unique(table)
    return [_utterance(row) for row in table.to_dict("records")]


def write_manifest(table: pd.DataFrame, path: str | Path) -> None:
    """Write parquet, whole or not at all (written aside, then renamed)."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.part")
    with full_disk_named(target):
        table.to_parquet(aside, index=False)
        aside.replace(target)


def read_manifest(path: str | Path) -> pd.DataFrame:
    """Read a manifest: parquet, or csv in UTF-8 whose text stays text (speaker 03 is not 3).

    Raises MmserError when the file is missing or unreadable as such.
    """
    source = Path(path)
    if not source.is_file():
        raise MmserError(
            "a manifest (.parquet or .csv)",
            f"no file {source}",
            "Run `mmser preprocess` or check the path.",
        )
    return (
        _read_csv(source)
        if source.suffix.lower() == ".csv"
        else read_parquet(source, "Run `mmser preprocess`.")
    )


def _read_csv(source: Path) -> pd.DataFrame:
    table = read_csv_file(source)
    try:
        for name in (*NUMBERS, "turn"):
            if name in table.columns:
                table[name] = pd.to_numeric(table[name])
    except ValueError as error:
        raise MmserError(
            f"numbers in column {name} of {source}", str(error), "Correct the table."
        ) from error
    return table


def _cells(utterances: list[Utterance], name: str) -> list[Any]:
    """A field of each utterance, as the table holds it."""
    # By name, since `asdict` would also turn the words and votes inside into dictionaries.
    cells = [getattr(utterance, name) for utterance in utterances]
    if name in PATHS:
        return [None if path is None else str(path) for path in cells]
    return [_json(items) for items in cells] if name in JSON_COLUMNS else cells


def _json(items: Sequence[Word | Vote]) -> str | None:
    return json.dumps([_compact(item) for item in items], ensure_ascii=False) if items else None


def _compact(item: Word | Vote) -> dict[str, Any]:
    """As a dictionary, without what was not judged or not known."""
    return {key: value for key, value in asdict(item).items() if value is not None and value != ()}


def _utterance(row: dict[Any, Any]) -> Utterance:
    cells = {name: row[name] for name in FIELDS if name in row and not _missing(row[name])}
    arguments: dict[str, Any] = {name: str(cell) for name, cell in cells.items()}
    arguments |= {name: float(cells[name]) for name in NUMBERS if name in cells}
    arguments |= {name: Path(cells[name]) for name in PATHS if name in cells}
    if "turn" in cells:
        arguments["turn"] = int(cells["turn"])
    if "words" in cells:
        arguments["words"] = tuple(Word(**word) for word in json.loads(cells["words"]))
    if "votes" in cells:
        arguments["votes"] = tuple(_vote(vote) for vote in json.loads(cells["votes"]))
    further = {key: cell for key, cell in row.items() if key not in FIELDS and not _missing(cell)}
    return Utterance(**arguments, extra={str(key): str(cell) for key, cell in further.items()})


def _vote(vote: dict[str, Any]) -> Vote:
    return Vote(**(vote | {"emotions": tuple(vote.get("emotions", ()))}))


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _check_unique(table: pd.DataFrame) -> None:
    twice = table.loc[table["id"].duplicated(), "id"]
    if len(twice):
        raise MmserError(
            "every id once",
            f"'{twice.iloc[0]}' twice ({len(twice)} repeats)",
            "Give each row its own id.",
        )
