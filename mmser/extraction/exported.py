"""Features for use elsewhere: a folder of .npy files with a table, or a Hugging Face dataset.

`mmser.extraction.array_files.read_exported` reads both again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from mmser.cache.fingerprint import text_digest
from mmser.cache.layout import MANIFEST
from mmser.cache.store import Store
from mmser.core.clip import Features
from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError
from mmser.core.file_names import file_name
from mmser.core.needed_package import need_package
from mmser.core.tables import SPLIT_COLUMN
from mmser.corpora.manifest import read_manifest
from mmser.extraction.array_files import SPANS, TABLE, VALUES

FACTS = (
    "corpus",
    "speaker",
    "session",
    "gender",
    "language",
    SPLIT_COLUMN,
    "emotion",
    "sentiment",
    "valence",
    "arousal",
    "dominance",
)
"""What goes with the features: no paths of this machine and no transcripts."""
MOST_DIMENSIONS = 5


@dataclass(frozen=True)
class Exported:
    """``table`` has a row with an id for each utterance that has values; ``read`` gives them."""

    table: pd.DataFrame
    read: Callable[[str], Features]


def of_store(directory: Path) -> Exported:
    """All values of a store of the cache, with what the manifest says of each utterance."""
    store = Store(directory)

    def read(name: str) -> Features:
        return Features(store.read(name), store.frame_rate(name), store.spans(name))

    table = pd.DataFrame({"id": list(store.ids)})
    manifest = directory.parent / MANIFEST
    return Exported(with_facts(table, read_manifest(manifest)), read)


def with_facts(table: pd.DataFrame, manifest: pd.DataFrame) -> pd.DataFrame:
    """The table with the manifest's facts that it lacks, those that any utterance has."""
    known = manifest.set_index("id")
    wanted = [name for name in FACTS if name in known and name not in table]
    rows = known.reindex(table["id"])[wanted]
    told = [name for name in wanted if rows[name].replace("", None).notna().any()]
    return table.join(rows[told].reset_index(drop=True))


def write_npy(exported: Exported, folder: Path) -> None:
    """Write ``features/<id>.npy`` (time, *feature), ``spans/<id>.npy`` (s) and ``table.csv``.

    Whole or not at all. Raises MmserError where the folder is there already.
    """
    with _made_aside(folder) as aside:
        rows = []
        for row in _with_progress(exported.table):
            features = exported.read(row["id"])
            name = f"{file_name(row['id'])}.npy"
            told = {**row, "steps": len(features.values), "frame_rate": features.frame_rate}
            for column, array in ((VALUES, features.values), (SPANS, features.spans)):
                if array is not None:
                    told[column] = f"{column}/{name}"
                    (aside / column).mkdir(exist_ok=True)
                    np.save(aside / told[column], array, allow_pickle=False)
            rows.append(told)
        pd.DataFrame(rows).to_csv(aside / TABLE, index=False)


def write_dataset(exported: Exported, folder: Path) -> None:
    """Write what ``datasets.load_from_disk`` reads: a row per utterance, its values in `VALUES`.

    A vector is a list of numbers, steps are an array (time, *feature); ``spans`` (time, 2) in
    seconds. Whole or not at all. Raises MmserError where the folder is there already.
    """
    need_package("datasets", "datasets")
    import datasets

    kinds, is_vector = _kinds(exported)

    def rows() -> Iterator[dict[str, Any]]:
        for row in exported.table.to_dict("records"):
            features = exported.read(row["id"])
            values = features.values[0] if is_vector else features.values
            plain = {str(name): None if cell != cell else cell for name, cell in row.items()}
            yield {
                **plain,
                "frame_rate": features.frame_rate,
                VALUES: values,
                **({SPANS: features.spans} if SPANS in kinds else {}),
            }

    with _made_aside(folder) as aside:
        # A name of its own: otherwise the library hashes all that ``rows`` holds.
        made = datasets.Dataset.from_generator(
            rows,
            datasets.Features.from_dict(kinds),
            cache_dir=str(aside / "cache"),
            fingerprint=text_digest(str(folder))[:16],
        )
        made.save_to_disk(str(aside))
        del made
        shutil.rmtree(aside / "cache")


def _kinds(exported: Exported) -> tuple[dict[str, Any], bool]:
    """{column: its kind as `datasets` writes it}, and whether each utterance has one vector."""
    shapes: dict[tuple[int, ...], str] = {}
    dtypes, steps, has_spans = set(), set(), False
    for name in exported.table["id"]:
        features = exported.read(name)
        shapes.setdefault(features.values.shape[1:], name)
        dtypes.add(str(features.values.dtype))
        steps.add(len(features.values))
        has_spans = has_spans or features.spans is not None
    if len(shapes) != 1 or len(dtypes) != 1 or len(next(iter(shapes))) >= MOST_DIMENSIONS:
        found = ", ".join(f"{shape} of {name}" for shape, name in shapes.items()) or "none"
        raise MmserError(
            "features of one shape and type", f"{found}; {', '.join(dtypes)}", "Take format npy."
        )
    (shape,), (dtype,) = shapes, dtypes
    value = {"dtype": dtype, "_type": "Value"}
    is_vector = steps == {1} and len(shape) == 1
    kinds: dict[str, Any] = {}
    for column in exported.table:
        is_number = pd.api.types.is_numeric_dtype(exported.table[column])
        kinds[str(column)] = {"dtype": "float64" if is_number else "string", "_type": "Value"}
    kinds["frame_rate"] = {"dtype": "float64", "_type": "Value"}
    if is_vector:
        kinds[VALUES] = {"feature": value, "length": shape[0], "_type": "List"}
    elif not shape:
        kinds[VALUES] = {"feature": value, "_type": "List"}
    else:
        kind = f"Array{len(shape) + 1}D"
        kinds[VALUES] = {"shape": [None, *shape], "dtype": dtype, "_type": kind}
    if has_spans:
        kinds[SPANS] = {"shape": [None, 2], "dtype": "float32", "_type": "Array2D"}
    return kinds, is_vector


def _with_progress(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in tqdm(table.to_dict("records"), "exported", disable=None):
        yield {str(name): cell for name, cell in row.items()}


@contextmanager
def _made_aside(folder: Path) -> Iterator[Path]:
    """A folder beside it that takes its place when the block is done."""
    if folder.exists():
        raise MmserError(
            f"no folder yet at {folder}", "one", "Name another with out=DIR, or remove it."
        )
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    with full_disk_named(folder):
        yield aside
        aside.rename(folder)
