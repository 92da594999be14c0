"""A folder as `datasets` writes it (``save_to_disk``): one dataset, or one for each split.

Arrow's files are read by pyarrow, the names of classes and kinds of columns from their metadata:
nothing in such a folder is run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from mmser.core.errors import MmserError
from mmser.core.text_file import read_text
from mmser.corpora.drafts.known_columns import SPLIT_WORDS

DICTIONARY, STATE = "dataset_dict.json", "state.json"
SPLITS, SPLIT, FILES, ROWS_CHOSEN = "splits", "_split", "_data_files", "_indices_data_files"
WHAT = "a dataset of Hugging Face (save_to_disk)"


def is_arrow_folder(folder: Path) -> bool:
    """Whether a folder is one dataset or a dictionary of several."""
    return any((folder / name).is_file() for name in (DICTIONARY, STATE))


def arrow_files(folder: Path) -> list[tuple[Path, str | None]]:
    """The files of the folder and the split that each belongs to, None where it is not told.

    Raises MmserError where the folder does not say which they are.
    """
    if not (folder / DICTIONARY).is_file():
        return _of_one(folder, None)
    names = _json(folder / DICTIONARY).get(SPLITS)
    if not isinstance(names, list) or not all(_is_plain(name) for name in names):
        raise MmserError(WHAT, f"no names of splits in {folder / DICTIONARY}", "Save it again.")
    return [found for name in names for found in _of_one(folder / name, name)]


def arrow_batches(path: Path, rows: int) -> Iterator[list[dict[str, Any]]]:
    """The rows of a file, at most ``rows`` at once."""
    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
        for batch in reader:
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows).to_pylist()


def arrow_metadata(path: Path) -> dict[bytes, bytes]:
    """What a file says of its columns."""
    with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
        return dict(reader.schema.metadata or {})


def _of_one(folder: Path, split: str | None) -> list[tuple[Path, str | None]]:
    state = _json(folder / STATE)
    if state.get(ROWS_CHOSEN):
        remedy = "Call flatten_indices() of the dataset and save it again."
        raise MmserError(f"all rows of {folder}", "a selection of them", remedy)
    word = str(split or state.get(SPLIT) or "")
    files = state.get(FILES)
    names = [each.get("filename") for each in files] if isinstance(files, list) else []
    if not names or not all(_is_plain(name) for name in names):
        raise MmserError(WHAT, f"no names of files in {folder / STATE}", "Save it again.")
    return [(folder / name, SPLIT_WORDS.get(word.lower())) for name in names]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise MmserError(WHAT, f"no readable {path}", "Save it again.") from error
    if not isinstance(found, dict):
        raise MmserError(WHAT, f"something else in {path}", "Save it again.")
    return found


def _is_plain(name: object) -> bool:
    """Whether it names something in the folder itself."""
    return isinstance(name, str) and bool(name) and Path(name).name == name
