"""Feature arrays that others have made, by utterance.

They are a folder of .npy, an .npz, or one row per line of a table.
"""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from mmser.core.clip import Features
from mmser.core.csv_file import read_csv_file
from mmser.core.errors import MmserError, listed_faults
from mmser.core.folders import files_below
from mmser.core.tables import require_columns
from mmser.corpora.drafts.arrow_folder import is_arrow_folder
from mmser.extraction.dataset_arrays import read_dataset

Arrays = dict[str, np.ndarray]
TABLE, VALUES, SPANS = "table.csv", "features", "spans"
"""Of a folder that `mmser export-features` wrote: its table, and the columns of files."""

BROKEN = (
    *(
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        EOFError,
        SyntaxError,
        RuntimeError,
        MemoryError,
    ),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What numpy raises over files that are damaged, cut off or something else."""


def read_arrays(
    path: str | Path, array: str | None = None, ids: str | Path | None = None, id_column: str = "id"
) -> Arrays:
    """{utterance id: (time, *feature)}; an utterance-level vector (feature,) becomes one step.

    Without ``ids``: ``path`` is a folder of ``<id>.npy`` (an id may hold slashes) or an .npz with
    an array per id. With ``ids``, a csv: row i of the .npy, or of ``array`` in the .npz, belongs to
    the id in its line i. Such a row is taken whole: the zeros that fill up a row of (time, feature)
    are steps like any other. Raises MmserError when the files are no such arrays (pickled objects
    are refused) or their rows do not match.
    """
    path = Path(path)
    if ids is None:
        arrays = _folder(path) if path.is_dir() else _archive(path)
        return {key: _steps(values) for key, values in arrays.items()}
    names = _ids(Path(ids), id_column)
    rows = _rows(path, array)
    if len(rows) != len(names) or len(set(names)) != len(names):
        found_text = (
            f"{len(rows)} rows, and {len(names)} lines with {len(set(names))} different ids"
        )
        raise MmserError(
            f"one row in {path} per line of {ids}, each id once",
            found_text,
            "Name the files in pairs.",
        )
    return {name: _steps(row) for name, row in zip(names, rows, strict=True)}


def read_exported(folder: Path, array: str | None = None) -> dict[str, Features] | None:
    """What `mmser export-features` wrote, or a dataset of Hugging Face; None for other folders.

    ``array`` is the column of a dataset that holds the arrays. Raises MmserError for files that are
    no such arrays.
    """
    if is_arrow_folder(folder):
        return read_dataset(folder, array or VALUES, SPANS)
    if not (folder / TABLE).is_file():
        return None
    table = read_csv_file(folder / TABLE)
    if not {"id", VALUES} <= set(table):
        return None
    found = {}
    for row in table.to_dict("records"):
        rate, spans = row.get("frame_rate"), row.get(SPANS)
        found[row["id"]] = Features(
            _array(_inside(folder, row[VALUES])),
            None if rate is None else _number(rate, folder),
            None if spans is None else _array(_inside(folder, spans)),
        )
    return found


def _number(cell: str, folder: Path) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise MmserError(
            f"numbers as frame_rate in {folder / TABLE}", cell, "Export it again."
        ) from error


def _inside(folder: Path, name: str | None) -> Path:
    """A file that the table names. Raises MmserError for one that is not in the folder."""
    path = folder / (name or "")
    if name is None or not path.resolve().is_relative_to(folder.resolve()):
        raise MmserError(f"files in {folder}", f"'{name}' in {TABLE}", "Export it again.")
    return path


def _steps(values: np.ndarray) -> np.ndarray:
    return values[None] if values.ndim == 1 else values


def _folder(path: Path) -> Arrays:
    files = [file for file in files_below(path) if file.suffix == ".npy"]
    if not files:
        raise MmserError(f"files <id>.npy in {path}", "none", "Name the folder that holds them.")
    return {file.relative_to(path).with_suffix("").as_posix(): _array(file) for file in files}


def _rows(path: Path, name: str | None) -> np.ndarray:
    if path.suffix == ".npy":
        rows = _array(path)
    else:
        arrays = _archive(path)
        if name not in arrays:
            remedy = "Name one of them with --array."
            raise MmserError(f"the array '{name}' in {path}", f"only {', '.join(arrays)}", remedy)
        rows = arrays[name]
    if rows.ndim < 2:
        raise MmserError(
            f"an array (utterance, feature) in {path}", f"shape {rows.shape}", "Name another array."
        )
    return rows


def _array(path: Path) -> np.ndarray:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except BROKEN as error:
        raise _unreadable(path, error) from error
    return np.asarray(values)


def _archive(path: Path) -> Arrays:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except BROKEN as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> MmserError:
    return MmserError(
        f"numpy arrays in {path}",
        f"{type(error).__name__}: {error}",
        "Save plain numbers with numpy.save or numpy.savez.",
    )


def _ids(path: Path, column: str) -> list[str]:
    if not path.is_file():
        raise MmserError(f"a csv with the column {column}", f"no file {path}", "Give its path.")
    table = read_csv_file(path)
    require_columns(table, (column,), str(path))
    empty = [
        f"line {number}" for number, value in enumerate(table[column], start=1) if value is None
    ]
    if empty:
        raise listed_faults(
            f"an id in every line of {path} (1 = first below the header)", empty, "Fill them in."
        )
    return list(table[column])
