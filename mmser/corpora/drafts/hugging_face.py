"""Hugging Face datasets in parquet or Arrow, with the recordings inside (Audio, Video).

They are read by pyarrow: the names of classes and the kinds of columns stand in the file's own
metadata, and no code of a dataset is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError, UsageError, reason_of
from mmser.core.folders import files_below
from mmser.core.table_file import PARQUET
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.drafts.arrow_folder import (
    arrow_batches,
    arrow_files,
    arrow_metadata,
    is_arrow_folder,
)
from mmser.corpora.drafts.known_columns import SPLIT_WORDS
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES

KEY = b"huggingface"
MEDIA_COLUMNS = {"Audio": "audio_path", "Video": "video_path"}
STARTS = ((b"RIFF", ".wav"), (b"fLaC", ".flac"), (b"OggS", ".ogg"))
ROWS = 64
"""Rows in memory at once: each holds a recording."""


@dataclass(frozen=True)
class Shard:
    """One file of a dataset, and the split that it is of, None where nothing tells."""

    path: Path
    split: str | None

    @property
    def is_parquet(self) -> bool:
        return self.path.suffix.lower() == PARQUET

    def features(self) -> dict[str, dict[str, Any]]:
        """{column: what the metadata says of it}; empty where there is no such metadata."""
        try:
            if self.is_parquet:
                metadata = pq.read_schema(self.path).metadata or {}
            else:
                metadata = arrow_metadata(self.path)
            features = json.loads(metadata[KEY])["info"]["features"]
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            return {}
        plain = features.items() if isinstance(features, dict) else ()
        return {name: told for name, told in plain if isinstance(told, dict)}

    def has_media(self) -> bool:
        """Whether a column holds recordings or names them."""
        return any(told.get("_type") in MEDIA_COLUMNS for told in self.features().values())

    def batches(self) -> Iterator[list[dict[str, Any]]]:
        """The rows, few at once."""
        if not self.is_parquet:
            yield from arrow_batches(self.path, ROWS)
            return
        for batch in pq.ParquetFile(self.path).iter_batches(batch_size=ROWS):
            yield batch.to_pylist()


def hugging_face_shards(source: Path) -> list[Shard]:
    """The files of the dataset that ``source`` is or holds; none for others.

    A folder of ``save_to_disk`` counts whatever it holds, parquet where it has recordings: without
    them it is a table as any other.
    """
    if is_arrow_folder(source):
        return [Shard(path, split) for path, split in arrow_files(source)]
    files = files_below(source) if source.is_dir() else [source]
    found = [
        Shard(path, _split_of(path, source))
        for path in files
        if path.suffix.lower() == PARQUET and path.is_file()
    ]
    return [shard for shard in found if shard.has_media()]


def _split_of(path: Path, source: Path) -> str | None:
    """What the file's name (``train-00000-of-00002``) says, or the folders above it."""
    folders = path.relative_to(source).parts[:-1] if path != source else ()
    words = [path.stem.partition("-")[0], *reversed(folders)]
    return next((SPLIT_WORDS[word.lower()] for word in words if word.lower() in SPLIT_WORDS), None)


def read_hugging_face(shards: list[Shard], folder: Path | None) -> pd.DataFrame:
    """The rows of the files with absolute paths; the recordings are written to ``folder``.

    Raises UsageError without a folder, where there are recordings.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    elif any(shard.has_media() for shard in shards):
        raise UsageError(
            f"a folder for the recordings inside {shards[0].path}",
            "none",
            "Name one with --media DIR.",
        )
    rows: list[dict[str, Any]] = []
    taken: set[str] = set()
    for shard in shards:
        try:
            more = {} if shard.split is None else {SPLIT_COLUMN: shard.split}
            place = (folder or shard.path.parent).absolute()
            rows += [{**more, **row} for row in _rows(shard, place, taken)]
        except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, IndexError) as error:
            raise MmserError(
                f"a dataset of Hugging Face in {shard.path}", reason_of(error), "Fetch it again."
            ) from error
    return pd.DataFrame(rows)


def _rows(shard: Shard, folder: Path, taken: set[str]) -> Iterator[dict[str, Any]]:
    features, number = shard.features(), 0
    for batch in shard.batches():
        for row in batch:
            number += 1
            yield dict(
                _cell(name, value, features.get(name, {}), (shard.path, number, folder, taken))
                for name, value in row.items()
            )


def _cell(
    name: str, value: Any, told: dict[str, Any], place: tuple[Path, int, Path, set[str]]
) -> tuple[str, Any]:
    """(column, value): classes by their names, recordings by their paths."""
    kind = told.get("_type")
    if kind == "ClassLabel" and value is not None:
        # -1 is an unlabelled row, as test splits have it.
        return name, told["names"][value] if value >= 0 else None
    if kind in MEDIA_COLUMNS and value is not None:
        return MEDIA_COLUMNS[kind], _recording(value, *place)
    # Pictures, documents: what a table has no cell for.
    is_content = isinstance(value, bytes) or (isinstance(value, dict) and "bytes" in value)
    return name, None if is_content else value


def _recording(
    value: dict[str, Any], path: Path, number: int, folder: Path, taken: set[str]
) -> str | None:
    """The file of one recording, written where it lies in the table; None for an empty cell."""
    content, given = value.get("bytes"), PurePosixPath(value.get("path") or "")
    if content is None:
        return str((path.parent / given).absolute()) if given.name else None
    # Of a foreign name the letters are kept and no folder.
    stem = re.sub(r"[^\w\-]+", "_", given.stem, flags=re.ASCII).strip("_")
    suffix = given.suffix.lower()
    if suffix not in (*SOUND_SUFFIXES, *VIDEO_SUFFIXES):
        suffix = next((each for start, each in STARTS if content.startswith(start)), ".mp3")
    numbered = f"{path.stem}_{number:06d}"
    # Files of two splits have one name where each split is a folder.
    names = (stem, numbered, f"{path.parent.name}_{numbered}")
    stem = next(one for one in names if one and f"{one}{suffix}".casefold() not in taken)
    taken.add(f"{stem}{suffix}".casefold())
    target = folder / f"{stem}{suffix}"
    if not target.exists():
        # Whole or not at all.
        aside = target.with_name(f".{target.name}.part")
        with full_disk_named(target):
            aside.write_bytes(content)
            aside.replace(target)
    elif target.read_bytes() != content:
        raise MmserError(
            f"no other recording at {target}", "one", "Name another folder with --media."
        )
    return str(target)
