"""What can be removed from a cache.

That is what interrupted jobs left, stores in which nothing was stored, and older fingerprints.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mmser.cache.empty import is_empty
from mmser.cache.index import read_index, schema
from mmser.cache.layout import INDEX, INFO, TEMPORARY, is_shard, parts_of, split_store_name


def superseded(stores: list[Path]) -> list[Path]:
    """Of stores that differ in the fingerprint alone, all but the most recently written.

    Empty stores do not count.
    """
    groups: dict[tuple[Path, str], list[Path]] = {}
    for store in stores:
        name = split_store_name(store.name)
        if name and not is_empty(store):
            groups.setdefault((store.parent, name[0]), []).append(store)
    older: list[Path] = []
    for group in groups.values():
        older += sorted(group, key=_written)[:-1]
    return older


def leftovers(store: Path, unfinished: bool, older: bool) -> Iterator[tuple[Path, str]]:
    """(path, why) of everything of one store that can go, files before their folder.

    ``unfinished`` adds the parts of an interrupted job, ``older`` says that the store as a whole is
    superseded.
    """
    why = ""
    if older:
        why = "older fingerprint"
    elif is_empty(store):
        why = "nothing was stored"
    if why:
        yield from ((path, why) for path in sorted(store.iterdir()))
        yield store, why
        return
    rows = read_index(store / INDEX) if (store / INDEX).exists() else schema().empty_table()
    commit = 1 + max(rows["commit"].unique().to_pylist(), default=-1)
    live = set(rows["shard"].unique().to_pylist())
    yield from ((path, "temporary file") for path in sorted(store.glob(f"*{TEMPORARY}")))
    for path in sorted(store.glob("shard-*.safetensors")):
        if is_shard(path.name) and path.name not in live:
            yield path, "shard no row refers to"
    for number, _, path in parts_of(store):
        if number != commit:
            yield path, "part already merged"
        elif unfinished:
            yield path, "part of an interrupted job"


def _written(store: Path) -> int:
    info = store / INFO
    return (info if info.is_file() else store).stat().st_mtime_ns
