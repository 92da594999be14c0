"""A database in audformat: ``db.yaml`` and its tables, with sound below the same folder."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from mmser.core.errors import MmserError, UsageError, reason_of
from mmser.core.needed_package import need_package
from mmser.core.tables import SPLIT_COLUMN
from mmser.core.text_file import read_text
from mmser.corpora.layout import duration

HEADER = "db.yaml"
TABLE_NAME = re.compile(r"[\w.\-]+", re.ASCII)
FILES, TABLE_SUFFIXES = "filewise", (".csv", ".parquet")


def is_audformat(folder: Path) -> bool:
    """Whether a folder is such a database."""
    return (folder / HEADER).is_file()


def read_audformat(folder: Path, tables: str | None) -> pd.DataFrame:
    """``file``, ``start`` and ``end`` (s) and the columns of the named tables (``train,test``).

    None takes the only table with a column ``emotion``. The split of a table becomes ``part``;
    what tables of whole files know (speakers) is added, and the gender of speakers. Raises
    MmserError where the tables cannot be told or read.
    """
    need_package("audformat", "annotations")
    try:
        database = _database(folder)
        names = _named(database, tables, folder)
        parts = [_table(database, name, folder) for name in names]
        table = pd.concat(parts, ignore_index=True)
        for name in database.tables:
            if name not in names and database[name].type == FILES:
                _add_facts(table, database[name].get())
        _add_genders(table, database)
    except MmserError:
        raise
    # A header is any YAML, and audformat raises what it comes upon.
    except Exception as error:
        raise MmserError(
            f"a database in audformat in {folder}", reason_of(error), "Save it again."
        ) from error
    return table.astype(object).where(table.notna(), None)


def _database(folder: Path) -> Any:
    """The database with its tables, without the YAML tags and pickles that audformat would run."""
    from audformat import Database

    database = Database.load_header_from_yaml(yaml.safe_load(read_text(folder / HEADER)))
    with tempfile.TemporaryDirectory() as aside:
        for name in [*database.misc_tables, *database.tables]:
            stem = f"db.{name}"
            sources = [folder / f"{stem}{suffix}" for suffix in TABLE_SUFFIXES]
            sources = [source for source in sources if source.is_file()]
            if not TABLE_NAME.fullmatch(name) or not sources:
                raise MmserError(
                    f"the table {name} of {folder} as csv or parquet",
                    "none",
                    "Save the database again with storage_format='parquet'.",
                )
            for source in sources:
                (Path(aside) / source.name).symlink_to(source.absolute())
            database[name].load(str(Path(aside) / stem))
    return database


def _named(database: Any, wanted: str | None, folder: Path) -> list[str]:
    names = list(database.tables)
    if wanted is not None:
        chosen = [name.strip() for name in wanted.split(",")]
        absent = [name for name in chosen if name not in names]
        if absent:
            raise UsageError(
                f"tables of {folder} ({', '.join(names)}) in --tier", absent[0], "Correct --tier."
            )
        return chosen
    with_emotions = [name for name in names if "emotion" in database[name].columns]
    if len(with_emotions) != 1:
        raise MmserError(
            f"one table with a column emotion in {folder}",
            ", ".join(with_emotions or names),
            "Name one or several with --tier, as in --tier train,test.",
        )
    return with_emotions


def _table(database: Any, name: str, folder: Path) -> pd.DataFrame:
    """One table with times in seconds, None for a whole file."""
    found = database[name]
    table = found.get(as_segmented=True).reset_index()
    starts = [start.total_seconds() for start in table["start"]]
    ends = [None if pd.isna(end) else end.total_seconds() for end in table["end"]]
    spans = [
        (start, duration(folder / file) if end is None and start else end)
        for file, start, end in zip(table["file"], starts, ends, strict=True)
    ]
    table["start"] = [None if end is None and not start else start for start, end in spans]
    table["end"] = [end for _, end in spans]
    if found.split_id is not None and SPLIT_COLUMN not in table:
        table[SPLIT_COLUMN] = str(database.splits[found.split_id].type)
    return table.astype(object)


def _add_facts(table: pd.DataFrame, facts: pd.DataFrame) -> None:
    for column in facts:
        if column not in table:
            table[column] = table["file"].map(facts[column].astype(object).to_dict())


def _add_genders(table: pd.DataFrame, database: Any) -> None:
    """What the scheme of speakers knows of each."""
    if "speaker" not in table or "gender" in table or "speaker" not in database.schemes:
        return
    labels = database.schemes["speaker"].labels
    if isinstance(labels, str):
        labels = database[labels].get().to_dict("index")
    genders = {
        speaker: facts.get("gender")
        for speaker, facts in (labels.items() if isinstance(labels, dict) else ())
        if isinstance(facts, dict)
    }
    if any(genders.values()):
        table["gender"] = table["speaker"].map(genders)
