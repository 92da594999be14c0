"""Looking after caches: `verify` recomputes checksums, `info` describes, `gc` removes leftovers.

``directory`` is a store, a corpus's folder, or a whole cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.atomic import file_digest
from mmser.cache.empty import is_empty
from mmser.cache.index import OK, read_index, read_rows
from mmser.cache.info import read_info
from mmser.cache.layout import INDEX, INFO, LOCK, MANIFEST, TRANSCRIPTS, inside, split_store_name
from mmser.cache.leftovers import leftovers, superseded
from mmser.cache.lock import locked
from mmser.cache.manifests import has_digest, manifest_problem
from mmser.cache.rows import Row
from mmser.cache.transcripts import TranscriptStore
from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pandas as pd


def stores_in(directory: str | Path) -> list[Path]:
    """Every store at or below ``directory``, sorted. Raises MmserError when there is none."""
    root = Path(directory)
    # The folder's name tells a store whose info.json is lost.
    folders = [root] if _is_store(root) else [path for path in root.glob("**/") if _is_store(path)]
    if not folders:
        raise MmserError(
            f"caches in {root}", "none", "Name a cache folder, or run `mmser preprocess` first."
        )
    return sorted(folders)


def verify(directory: str | Path) -> pd.DataFrame:
    """Recompute checksums. One row per file: store, file, ok (bool), problem ("" when ok).

    The manifest beside the stores is a file of its own; one of an earlier version, which has no
    digest, is ok with a remark.
    """
    import pandas as pd

    stores = stores_in(directory)
    rows = []
    for store in stores:
        for name, problem in _checked_files(store):
            row = {"store": str(store), "file": name, "ok": not problem, "problem": problem}
            rows.append(row)
    folders = dict.fromkeys(store.parent for store in stores)
    with_manifest = [path for path in folders if (path / MANIFEST).exists() or has_digest(path)]
    rows += map(_checked_manifest, with_manifest)
    return pd.DataFrame(rows, columns=["store", "file", "ok", "problem"])


def info(directory: str | Path) -> pd.DataFrame:
    """One row per store: what made it, how much is in it, if it is finished, failures by reason."""
    import pandas as pd

    begun = [
        store for store in stores_in(directory) if (store / INFO).is_file() or not is_empty(store)
    ]
    return pd.DataFrame([_described(store) for store in begun])


def gc(
    directory: str | Path, apply: bool = False, old: bool = False, unfinished: bool = False
) -> pd.DataFrame:
    """List what can go, and remove it when ``apply``; a store that is being written is left alone.

    Always listed: temporary files, shards no row refers to, parts already merged, stores in which
    nothing was stored. ``old`` adds all but the most recently written store of each (extractor,
    transcript); ``unfinished`` adds the parts of interrupted jobs, which the same command would
    otherwise complete. One row per file or folder: path, why, bytes, removed.
    """
    import pandas as pd

    stores = stores_in(directory)
    older = superseded(stores) if old else []
    rows: list[dict[str, Any]] = []
    for store in stores:
        try:
            with locked(store.with_name(store.name + LOCK), wait=False):
                rows += _cleared(store, unfinished, store in older, apply)
        except MmserError as in_use:
            rows.append(_left_alone(store, f"in use: {in_use.found}"))
    return pd.DataFrame(rows, columns=["path", "why", "bytes", "removed"])


def _is_store(path: Path) -> bool:
    return (path / INFO).is_file() or (split_store_name(path.name) is not None and path.is_dir())


def _checked_manifest(folder: Path) -> dict[str, Any]:
    problem, remark = manifest_problem(folder), ""
    if not problem and not has_digest(folder):
        remark = "written by an earlier version, which kept no digest"
    return {"store": str(folder), "file": MANIFEST, "ok": not problem, "problem": problem or remark}


def _checked_files(store: Path) -> Iterator[tuple[str, str]]:
    """(file name, problem or "") for info, index and every shard of one store."""
    try:
        read_info(store)
        yield INFO, ""
    except MmserError as error:
        yield INFO, error.found
    if (store / TRANSCRIPTS).exists():
        yield TRANSCRIPTS, _transcripts_problem(store)
        return
    if not (store / INDEX).exists():
        yield INDEX, "missing: the job was interrupted before its first shard"
        return
    try:
        rows = read_rows(store / INDEX)
    except MmserError as error:
        yield INDEX, error.found
        return
    yield INDEX, ""
    shards: dict[str, list[Row]] = {}
    for row in rows:
        if row["status"] == OK:
            shards.setdefault(row["shard"], []).append(row)
    for name in sorted(shards):
        yield name, _shard_problem(store, name, shards[name])


def _transcripts_problem(store: Path) -> str:
    try:
        TranscriptStore(store)
    except MmserError as error:
        return error.found
    return ""


def _errors(store: Path) -> list[str | None]:
    """Of each row of a store of either kind why it failed, None where it did not.

    None at all when it has no index yet.
    """
    if (store / TRANSCRIPTS).exists():
        table = TranscriptStore(store).rows.table
    elif (store / INDEX).exists():
        table = read_index(store / INDEX)
    else:
        return []
    states = zip(table["status"].to_pylist(), table["error"].to_pylist(), strict=True)
    return [None if status == OK else error or "" for status, error in states]


def _shard_problem(store: Path, name: str, rows: list[Row]) -> str:
    """What is wrong with a shard, "" when its checksum and its arrays are as the index says."""
    from safetensors import SafetensorError, safe_open

    try:
        path = inside(store, name)
        if not path.is_file():
            return "missing"
        if file_digest(path) != rows[0]["checksum"]:
            return "checksum differs"
        with safe_open(str(path), framework="numpy") as shard:
            for row in rows:
                shape = [str(size) for size in shard.get_slice(row["key"]).get_shape()]
                if shape != [str(row["length"]), *filter(None, row["dimension"].split("x"))]:
                    return f"{row['id']} has shape {'x'.join(shape)}"
    except (MmserError, SafetensorError, OSError) as error:
        return str(error)
    return ""


def _described(store: Path) -> dict[str, Any]:
    facts = read_info(store)
    rows = _errors(store)
    failed = [error for error in rows if error is not None]
    reasons = {reason: failed.count(reason) for reason in sorted(set(failed))}
    shape = facts.get("feature_shape")
    return {
        "store": str(store),
        "extractor": facts.get("extractor"),
        "transcript": (facts.get("transcript") or {}).get("source", ""),
        "feature": "x".join(map(str, shape)) if shape is not None else "",
        "dtype": facts.get("dtype"),
        "ok": len(rows) - len(failed),
        "failed": len(failed),
        "reasons": ", ".join(f"{reason} {count}" for reason, count in reasons.items()),
        "megabytes": round(sum(path.stat().st_size for path in store.iterdir()) / 1e6, 1),
        "complete": bool(facts.get("complete")),
        "random_weights": bool(facts.get("random_weights")),
        "parameters": json.dumps(facts.get("parameters"), sort_keys=True),
    }


def _cleared(store: Path, unfinished: bool, older: bool, apply: bool) -> list[dict[str, Any]]:
    try:
        removable = list(leftovers(store, unfinished, older))
    except MmserError as damaged:
        return [_left_alone(store, f"damaged: {damaged.found}")]
    return [_removed(path, why, apply) for path, why in removable]


def _left_alone(store: Path, why: str) -> dict[str, Any]:
    return {"path": str(store), "why": why, "bytes": 0, "removed": False}


def _removed(path: Path, why: str, apply: bool) -> dict[str, Any]:
    size = path.stat().st_size if path.is_file() else 0
    if apply:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    return {"path": str(path), "why": why, "bytes": size, "removed": apply}
