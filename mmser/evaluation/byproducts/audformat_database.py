"""Predictions as a database in audformat: a table of segments per condition and seed."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.core.errors import MmserError, reason_of
from mmser.core.needed_package import need_package
from mmser.core.tables import PREDICTION, PROBABILITY, TARGET
from mmser.metrics.predictions import read_predictions

HEADER, EMOTION, CONFIDENCE = "db.yaml", "emotion", "confidence"
TEXTS = ("speaker", "fold", "text")


def check_free(folder: Path) -> None:
    """Raise MmserError where the package is missing or a database lies there already."""
    need_package("audformat", "annotations")
    if (folder / HEADER).exists():
        raise MmserError(
            f"no database yet in {folder}", f"{HEADER}", "Name another folder, or move it away."
        )


def run_database(run: Path, manifest: pd.DataFrame, folder: Path) -> dict[str, int]:
    """Write all predictions of a run, with its targets; returns {table: rows}.

    Where folds share utterances, each fold has tables of its own.
    """
    check_free(folder)
    table = read_predictions(run)
    keys = ["condition", "seed"]
    if table.duplicated([*keys, "id"]).any():
        keys.append("fold")
    facts = manifest.set_index("id")
    paths = [facts[name] for name in ("audio_path", "video_path") if name in facts]
    media = paths[0] if len(paths) == 1 else paths[0].fillna(paths[1])
    lost = sorted(set(table["id"]) - set(media.dropna().index))
    if lost:
        raise MmserError("a recording of each utterance", f"none of {lost[0]}", "See the manifest.")
    places = {"file": media, "start": facts["start"], "end": facts["end"]}
    whole = table.assign(**{name: table["id"].map(cells) for name, cells in places.items()})
    tables = {}
    for key, rows in whole.groupby(keys, sort=False):
        condition, seed, *fold = map(str, key)
        name = ".".join([condition, f"seed{seed}", *(f"fold{each}" for each in fold)])
        tables[re.sub(r"[^\w.\-]+", "_", name, flags=re.ASCII)] = rows
    write_database(tables, folder, run.name)
    return {name: len(rows) for name, rows in tables.items()}


def write_database(tables: Mapping[str, pd.DataFrame], folder: Path, name: str) -> None:
    """Write ``db.yaml`` and a csv for each table of ``file``, ``start``, ``end`` (s, NaN: whole).

    Columns: ``emotion`` and ``confidence`` of the predicted class, ``probability_<class>``, values
    such as ``valence``, targets and what is known of a segment. Files in the folder are named
    from there, others by their absolute paths.
    """
    check_free(folder)
    import audformat

    database = audformat.Database(
        re.sub(r"[^\w\-]+", "-", name, flags=re.ASCII),
        source="mmser",
        usage=audformat.define.Usage.OTHER,
        description="Predictions of emotions, not labels.",
    )
    for table in tables.values():
        _add_schemes(database, table, audformat)
    try:
        for key, table in tables.items():
            _add_table(database, key, table, folder, audformat)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            database.save(aside, storage_format="csv")
            # The header last: without it nothing is a database.
            for path in sorted(Path(aside).iterdir(), key=lambda path: path.name == HEADER):
                shutil.move(path, folder / path.name)
    except (audformat.errors.BadValueError, ValueError) as error:
        raise MmserError(
            "each stretch of a recording once", reason_of(error), "Leave the others out."
        ) from error


def _add_schemes(database: Any, table: pd.DataFrame, audformat: Any) -> None:
    names = [str(column) for column in table]
    classes = [each.removeprefix(PROBABILITY) for each in names if each.startswith(PROBABILITY)]
    if classes:
        known = database.schemes[EMOTION].labels if EMOTION in database.schemes else []
        targets: Any = table["target"].dropna() if "target" in table else []
        labels = sorted({*known, *classes, *map(str, targets)})
        database.schemes[EMOTION] = audformat.Scheme(labels=labels)
        database.schemes["share"] = audformat.Scheme("float", minimum=0, maximum=1)
    if any(name.startswith(PREDICTION) for name in names):
        database.schemes["value"] = audformat.Scheme("float")
    database.schemes["text"] = audformat.Scheme("str")


def _add_table(database: Any, key: str, table: pd.DataFrame, folder: Path, audformat: Any) -> None:
    start = folder.resolve()
    paths = [Path(file).resolve() for file in table["file"]]
    files = [str(path.relative_to(start) if path.is_relative_to(start) else path) for path in paths]
    starts = pd.to_timedelta(table["start"].fillna(0.0).astype(float), unit="s")
    ends = pd.to_timedelta(table["end"].astype(float), unit="s")
    index = audformat.segmented_index(files, list(starts), list(ends))
    made = database[key] = audformat.Table(index)
    for column, (scheme, cells) in _columns(table).items():
        made[column] = audformat.Column(scheme_id=scheme)
        made[column].set(cells)


def _columns(table: pd.DataFrame) -> dict[str, tuple[str, list[Any]]]:
    """{column: its scheme and cells}."""
    found: dict[str, tuple[str, list[Any]]] = {}
    if "prediction" in table and table["prediction"].notna().any():
        found[EMOTION] = EMOTION, _texts(table["prediction"])
        shares = [
            None if pd.isna(row["prediction"]) else row[PROBABILITY + row["prediction"]]
            for row in table.to_dict("records")
        ]
        found[CONFIDENCE] = "share", shares
    if "target" in table and table["target"].notna().any():
        found["target"] = EMOTION, _texts(table["target"])
    for column in map(str, table):
        if column.startswith(PROBABILITY):
            found[column] = "share", table[column].astype(float).clip(0, 1).tolist()
        elif column.startswith((PREDICTION, TARGET)):
            found[column.removeprefix(PREDICTION)] = "value", table[column].astype(float).tolist()
        elif column in TEXTS:
            found[column] = "text", _texts(table[column])
    return found


def _texts(cells: pd.Series) -> list[str | None]:
    return [None if pd.isna(cell) or cell == "" else str(cell) for cell in cells]
