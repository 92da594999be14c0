"""Hugging Face datasets in parquet, whose files hold the recordings themselves (Audio, Video).

They are read by pyarrow: the names of classes and the kinds of columns stand in the file's own
metadata, and no code of a dataset is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError, UsageError, reason_of
from mmser.core.folders import files_below
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.drafts.known_columns import SPLIT_WORDS
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES

KEY = b"huggingface"
MEDIA_COLUMNS = {"Audio": "audio_path", "Video": "video_path"}
STARTS = ((b"RIFF", ".wav"), (b"fLaC", ".flac"), (b"OggS", ".ogg"))
ROWS = 64
"""Rows in memory at once: each holds a recording."""


def hugging_face_files(source: Path) -> list[Path]:
    """The parquet files with recordings inside that ``source`` is or holds; none for others."""
    files = files_below(source) if source.is_dir() else [source]
    found = [path for path in files if path.suffix.lower() == ".parquet" and path.is_file()]
    return [path for path in found if set(_kinds(path).values()) & set(MEDIA_COLUMNS)]


def read_hugging_face(files: list[Path], folder: Path | None) -> pd.DataFrame:
    """The rows of the files with absolute paths; the recordings are written to ``folder``.

    The file's name (``train-00000-of-00002``) tells the split. Raises UsageError without a folder.
    """
    if folder is None:
        raise UsageError(
            f"a folder for the recordings inside {files[0]}", "none", "Name one with --media DIR."
        )
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    taken: set[str] = set()
    for path in files:
        try:
            split = SPLIT_WORDS.get(path.stem.partition("-")[0].lower())
            more = {} if split is None else {SPLIT_COLUMN: split}
            rows += [{**more, **row} for row in _rows(path, folder.absolute(), taken)]
        except (pa.ArrowException, ValueError, TypeError, KeyError, IndexError) as error:
            raise MmserError(
                f"a dataset of Hugging Face in {path}", reason_of(error), "Fetch it again."
            ) from error
    return pd.DataFrame(rows)


def _features(path: Path) -> dict[str, Any]:
    """{column: what the metadata says of it}; empty where there is no such metadata."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        features = json.loads(metadata[KEY])["info"]["features"]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        return {}
    plain = features.items() if isinstance(features, dict) else ()
    return {name: told for name, told in plain if isinstance(told, dict)}


def _kinds(path: Path) -> dict[str, str]:
    return {name: str(told.get("_type")) for name, told in _features(path).items()}


def _rows(path: Path, folder: Path, taken: set[str]) -> Iterator[dict[str, Any]]:
    features, number = _features(path), 0
    for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS):
        for row in batch.to_pylist():
            number += 1
            yield dict(
                _cell(name, value, features.get(name, {}), (path, number, folder, taken))
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
        return MEDIA_COLUMNS[kind], str(_recording(value, *place))
    return name, value


def _recording(
    value: dict[str, Any], path: Path, number: int, folder: Path, taken: set[str]
) -> Path:
    """The file of one recording, written where it lies in the table."""
    content, given = value.get("bytes"), PurePosixPath(value.get("path") or "")
    if content is None:
        return (path.parent / given).absolute()
    # Of a foreign name the letters are kept and no folder.
    stem = re.sub(r"[^\w\-]+", "_", given.stem, flags=re.ASCII).strip("_")
    suffix = given.suffix.lower()
    if suffix not in (*SOUND_SUFFIXES, *VIDEO_SUFFIXES):
        suffix = next((each for start, each in STARTS if content.startswith(start)), ".mp3")
    if not stem or f"{stem}{suffix}".casefold() in taken:
        stem = f"{path.stem}_{number:06d}"
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
    return target
