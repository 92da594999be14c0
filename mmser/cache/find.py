"""From the name a config uses to the one folder it means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmser.cache.empty import is_empty
from mmser.cache.info import read_info
from mmser.cache.layout import INFO, checked_name, split_store_name
from mmser.cache.remedy import preprocess_command
from mmser.core.errors import MmserError

Wanted = Callable[[Mapping[str, Any]], bool]


class NotCachedError(MmserError):
    """There is no finished store of a name: none at all, or one whose making was interrupted."""


def find_store(
    cache: str | Path, corpus: str, extractor_name: str, wanted: Wanted | None = None
) -> Path:
    """The finished store of ``extractor_name`` for ``corpus``.

    ``extractor_name`` is ``mfcc40``, ``glove@pocketsphinx`` or a folder's full name,
    ``mfcc40-0123456789ab``. Only stores whose facts (``info.json``) are ``wanted`` count, and one
    in which nothing was stored never counts beside another. Raises NotCachedError when there is
    none (naming the command that makes it) or it is unfinished, MmserError when there are several
    (listing what differs) or ``info.json`` is damaged.
    """
    folder = Path(cache) / checked_name(corpus, "the name of a corpus")
    for word in extractor_name.split("@"):
        checked_name(word, "the name of an extractor")
    stores = {path.name: path for path in sorted(folder.glob("*")) if _is_store(path)}
    matches = _named(stores, extractor_name)
    if len(matches) > 1:
        matches = [path for path in matches if not is_empty(path)]
    if wanted is not None:
        matches = [path for path in matches if wanted(read_info(path))]
    if not matches:
        raise _no_store(folder, corpus, extractor_name, list(stores))
    if len(matches) > 1:
        raise _several_stores(folder, extractor_name, matches)
    info = read_info(matches[0])
    if info.get("share"):
        raise MmserError(
            f"a cache of the whole corpus at {matches[0]}",
            f"shard {info['share']} of it",
            "Put all shards together: mmser cache merge CACHE.",
        )
    if not info.get("complete"):
        raise NotCachedError(
            f"a finished cache at {matches[0]}",
            "one whose making was interrupted or is still under way",
            f"Run the same command again, it goes on: {preprocess_command(corpus, extractor_name)}",
        )
    return matches[0]


def differences(infos: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{name: the facts in which the infos do not all agree}, flattened ("parameters.window")."""
    flat = {name: _flatten(info) for name, info in infos.items()}
    keys = set().union(*flat.values()) - {"fingerprint", "ok", "failed", "complete"}
    different = []
    for key in sorted(keys):
        values = {json.dumps(facts.get(key)) for facts in flat.values()}
        if len(values) > 1:
            different.append(key)
    table: dict[str, dict[str, Any]] = {}
    for name, facts in flat.items():
        table[name] = {key: facts.get(key) for key in different}
    return table


def _flatten(info: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in info.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _named(stores: Mapping[str, Path], extractor_name: str) -> list[Path]:
    """The store of that full name, or all stores of that short one."""
    if extractor_name in stores:
        return [stores[extractor_name]]
    matches = []
    for name, path in stores.items():
        short_and_fingerprint = split_store_name(name)
        if short_and_fingerprint and short_and_fingerprint[0] == extractor_name:
            matches.append(path)
    return matches


def _is_store(path: Path) -> bool:
    return split_store_name(path.name) is not None and (path / INFO).is_file()


def _no_store(folder: Path, corpus: str, extractor_name: str, names: list[str]) -> NotCachedError:
    return NotCachedError(
        f"a cache of {extractor_name} in {folder}",
        f"only {', '.join(names)}" if names else "no cache at all",
        f"Run: {preprocess_command(corpus, extractor_name)}",
    )


def _several_stores(folder: Path, extractor_name: str, matches: list[Path]) -> MmserError:
    infos = {path.name: read_info(path) for path in matches}
    listed = []
    for name, facts in differences(infos).items():
        shown = [f"{key}={value}" for key, value in facts.items()]
        shown += [] if infos[name].get("complete") else ["unfinished"]
        listed.append(f"{name} ({', '.join(shown)})")
    remedy = (
        f"Name one in full, such as streams.<stream>.extractor={matches[-1].name}, or list all but "
        f"the newest of each extractor with mmser cache gc {folder} --old (--apply removes them)"
    )
    if not all(info.get("complete") for info in infos.values()):
        remedy += f", or what interrupted jobs left with mmser cache gc {folder} --unfinished"
    return MmserError(
        f"one cache of {extractor_name}", f"{len(matches)}: {'; '.join(listed)}", remedy
    )
