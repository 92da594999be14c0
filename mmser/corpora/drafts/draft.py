"""A user's table drafted from a folder of recordings, or from somebody's csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from mmser.core.errors import MmserError, UsageError, listed_faults
from mmser.core.folders import files_below
from mmser.core.table_file import JSON_LINES, PARQUET, as_text, read_text_table
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.drafts.annotation_files import (
    Reader,
    annotated_table,
    annotated_tables,
    annotation_files,
    annotation_reader,
)
from mmser.corpora.drafts.audformat_folder import is_audformat, read_audformat
from mmser.corpora.drafts.file_ids import ids_of
from mmser.corpora.drafts.folder_levels import level_roles
from mmser.corpora.drafts.hugging_face import Shard, hugging_face_shards, read_hugging_face
from mmser.corpora.drafts.known_columns import MEDIA, SPLIT_WORDS, renamings
from mmser.corpora.drafts.metadata_folder import metadata_files, read_metadata
from mmser.corpora.drafts.name_pattern import NamePattern
from mmser.corpora.drafts.recordings_folder import read_recordings
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES, media
from mmser.corpora.manifest import FIELDS

TABLES = (".csv", ".tsv", ".txt", JSON_LINES, PARQUET)
LABELS = ("emotion", "sentiment", "valence", "arousal", "dominance", "votes")


@dataclass(frozen=True)
class Reading:
    """What the user says about a source, beside what its names say."""

    pattern: NamePattern | None = None
    """How names of files are made; None reads the folders."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """{column of a manifest: column of the table}."""
    words: Mapping[str, str] = field(default_factory=dict)
    """{the source's word for an emotion: the word to write}; others stay."""
    speaker: str | None = None
    """The one speaker of everything."""
    media_folder: Path | None = None
    """Where the paths in a table begin; None: the table's folder."""
    tier: str | None = None
    """The tier of an annotation file that holds the emotions."""
    skip: bool = False
    """Whether recordings whose names do not fit the pattern are left out, and told."""


def draft(source: Path, reading: Reading, target: Path) -> pd.DataFrame:
    """A table with the columns of a manifest, paths relative to the folder of ``target``.

    Raises MmserError with all that is wrong at once: names that do not fit, emotions or speakers
    that nothing tells.
    """
    if reading.skip and reading.pattern is None:
        raise UsageError("--pattern with --skip", "--skip alone", "Add the pattern of the names.")
    annotations = annotation_reader(source)
    if annotations is not None:
        table = _from_annotations(source, reading, annotations)
    elif is_audformat(source):
        table = _from_audformat(source, reading)
    elif reading.tier is not None:
        table = _from_folder_of_annotations(source, reading)
    elif shards := hugging_face_shards(source):
        table = _from_hugging_face(shards, source, reading)
    elif reading.pattern is None and (tables := metadata_files(source)):
        table = _told_by_columns(read_metadata(tables, source), reading, source)
    elif not _names_tell(source, reading) and annotation_files(source):
        table = _from_folder_of_annotations(source, reading)
    elif source.is_dir():
        table = _from_folder(source, reading)
    elif source.suffix.lower() in TABLES:
        table = _from_table(source, reading)
    else:
        raise MmserError(
            "a folder of recordings, or a table (.csv, .tsv, .jsonl, .parquet) or a file of an "
            "annotation tool (docs/formats.md)",
            f"{source}" if source.exists() else f"nothing at {source}",
            "Check the path.",
        )
    if reading.speaker is not None:
        table["speaker"] = reading.speaker
    _check_told(table, source)
    if "emotion" in table:
        _put(table, "emotion", [reading.words.get(word, word) for word in table["emotion"]])
    unused = sorted(set(reading.words) - set(table.attrs.get("words", ())))
    if unused:
        raise UsageError(
            f"words of {source} in --map ({', '.join(table.attrs.get('words', ()))})",
            ", ".join(unused),
            "Correct --map.",
        )
    if "id" not in table:
        table["id"] = ids_of(table)
    for name in ("audio_path", "video_path"):
        if name in table:
            _put(table, name, [_relative(cell, target.absolute().parent) for cell in table[name]])
    return _ordered(table)


def _from_folder(folder: Path, reading: Reading) -> pd.DataFrame:
    if reading.columns:
        raise UsageError("a table for --columns", f"the folder {folder}", "Use --pattern.")
    return _with_words(read_recordings(folder, reading.pattern, reading.skip))


def _from_table(path: Path, reading: Reading) -> pd.DataFrame:
    _check_no_pattern(reading, f"the table {path}")
    return _told_by_columns(read_text_table(path), reading, path.parent)


def _from_audformat(folder: Path, reading: Reading) -> pd.DataFrame:
    _check_no_pattern(reading, f"the database {folder}")
    return _told_by_columns(as_text(read_audformat(folder, reading.tier)), reading, folder)


def _from_hugging_face(shards: list[Shard], source: Path, reading: Reading) -> pd.DataFrame:
    _check_no_pattern(reading, f"the dataset {source}")
    found = read_hugging_face(shards, reading.media_folder)
    return _told_by_columns(as_text(found), reading, source.parent)


def _check_no_pattern(reading: Reading, found: str) -> None:
    if reading.pattern is not None:
        raise UsageError("a folder for --pattern", found, "Use --columns.")


def _told_by_columns(table: pd.DataFrame, reading: Reading, beside: Path) -> pd.DataFrame:
    """The table with the columns of a manifest, its paths from the folder they begin in."""
    table = table.rename(columns=renamings([str(name) for name in table.columns], reading.columns))
    start = reading.media_folder or beside
    if MEDIA in table:
        _spread_media(table)
    for name in ("audio_path", "video_path"):
        if name in table:
            _put(table, name, [None if cell is None else str(start / cell) for cell in table[name]])
    return _with_words(table)


def _from_annotations(path: Path, reading: Reading, reader: Reader) -> pd.DataFrame:
    if reading.columns:
        raise UsageError("a table for --columns", f"the annotations {path}", "Use --tier.")
    return _with_words(
        annotated_table(path, reader, reading.tier, reading.media_folder, reading.pattern)
    )


def _names_tell(source: Path, reading: Reading) -> bool:
    """Whether names of folders or files say what is heard, whatever annotations lie beside."""
    if reading.pattern is not None:
        return "emotion" in reading.pattern.names
    recordings = media(files_below(source), (*SOUND_SUFFIXES, *VIDEO_SUFFIXES))
    return "emotion" in level_roles([path.relative_to(source).as_posix() for path in recordings])


def _from_folder_of_annotations(folder: Path, reading: Reading) -> pd.DataFrame:
    files = annotation_files(folder)
    if not files:
        raise UsageError("annotations for --tier", str(folder), "Leave it out.")
    if reading.columns:
        raise UsageError("a table for --columns", f"the annotations in {folder}", "Use --tier.")
    where = reading.media_folder
    return _with_words(annotated_tables(files, folder, reading.tier, where, reading.pattern))


def _spread_media(table: pd.DataFrame) -> None:
    """Paths of either kind into the column of their kind."""
    paths = table.pop(MEDIA)
    films = [
        cell is not None and PurePosixPath(str(cell)).suffix.lower() in VIDEO_SUFFIXES
        for cell in paths
    ]
    for column, wanted in (("audio_path", False), ("video_path", True)):
        if column not in table and wanted in films:
            kind = [film is wanted for film in films]
            cells = [cell if right else None for cell, right in zip(paths, kind, strict=True)]
            _put(table, column, cells)


def _put(table: pd.DataFrame, name: str, cells: Sequence[str | None]) -> None:
    """A column of text in which a missing cell stays None."""
    table[name] = pd.Series(list(cells), index=table.index, dtype=object)


def _with_words(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its splits in the words here; its own words for emotions are remembered."""
    if SPLIT_COLUMN in table:
        words = [None if cell is None else str(cell) for cell in table[SPLIT_COLUMN]]
        _put(table, SPLIT_COLUMN, [word and SPLIT_WORDS.get(word.lower(), word) for word in words])
    if "emotion" in table:
        _put(table, "emotion", [None if cell is None else str(cell) for cell in table["emotion"]])
        table.attrs["words"] = sorted({word for word in table["emotion"] if word is not None})
    return table


def _check_told(table: pd.DataFrame, source: Path) -> None:
    """Raise MmserError when nothing tells a label or a speaker."""
    faults = []
    if not any(name in table for name in LABELS):
        faults.append("no labels: name them by {emotion} in --pattern, or --columns emotion=NAME")
    if "speaker" not in table:
        faults.append(
            "no speakers: name them by {speaker} in --pattern, or --columns speaker=NAME; where "
            "nobody knows them, --speaker unknown (then only protocol=generic_random10 or "
            "generic_part works, and every report says that training and test may share voices)"
        )
    if faults:
        raise listed_faults(
            f"labels and speakers of the recordings in {source}",
            faults,
            f"Columns found: {', '.join(map(str, table.columns))}.",
        )


def _relative(cell: str | None, folder: Path) -> str | None:
    """A path inside ``folder`` from there, another as it is (absolute)."""
    if cell is None:
        return None
    path = Path(cell).absolute()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of a manifest first, in their order, then the user's own."""
    known = [name for name in FIELDS if name in table]
    return table[[*known, *(name for name in table.columns if name not in known)]]
