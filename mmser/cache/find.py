"""From the name a config uses to the one folder it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmser.cache.layout import INFO, checked_name, split_store_name
from mmser.core.errors import MmserError


def find_store(cache: str | Path, corpus: str, extractor_name: str) -> Path:
    """The finished store of ``extractor_name`` for ``corpus``.

    ``extractor_name`` is ``mfcc40``, ``glove@pocketsphinx`` or a folder's full name, ``mfcc40-0123456789ab``.
    Raises MmserError when there is none (naming the command that makes it), when it is unfinished, or when there are
    several (listing what differs).
    """
    folder = Path(cache) / checked_name(corpus, "the name of a corpus")
    for part in extractor_name.split("@"):
        checked_name(part, "the name of an extractor")
    stores = {path.name: path for path in sorted(folder.glob("*")) if _is_store(path)}
    if extractor_name in stores:
        matches = [stores[extractor_name]]
    else:
        matches = [path for name, path in stores.items() if (split_store_name(name) or ("",))[0] == extractor_name]
    if not matches:
        raise _none_found(folder, corpus, extractor_name, list(stores))
    if len(matches) > 1:
        raise _several_found(extractor_name, matches)
    if not read_info(matches[0]).get("complete"):
        raise MmserError(
            f"a finished cache at {matches[0]}",
            "one whose making was interrupted or is still under way",
            f"Run the same command again, it goes on: {_command(corpus, extractor_name)}",
        )
    return matches[0]


def read_info(directory: Path) -> dict[str, Any]:
    """``info.json`` of a store. Raises MmserError when it is not readable."""
    try:
        content: dict[str, Any] = json.loads((directory / INFO).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MmserError(f"a readable {directory / INFO}", str(error), "Build this cache again.") from error
    return content


def differences(infos: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each name the flattened facts ("parameters.window") in which the infos do not all agree."""
    flat = {name: _flatten(info) for name, info in infos.items()}
    keys = sorted({key for facts in flat.values() for key in facts} - {"fingerprint", "ok", "failed", "complete"})
    different = [key for key in keys if len({json.dumps(facts.get(key)) for facts in flat.values()}) > 1]
    return {name: {key: facts.get(key) for key in different} for name, facts in flat.items()}


def _flatten(info: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in info.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat


def _is_store(path: Path) -> bool:
    return split_store_name(path.name) is not None and (path / INFO).is_file()


def _command(corpus: str, extractor_name: str) -> str:
    name, _, source = extractor_name.partition("@")
    name = (split_store_name(name) or (name,))[0]
    return f"mmser preprocess corpus={corpus} extractors=[{name}]" + (f" transcript={source}" if source else "")


def _none_found(folder: Path, corpus: str, extractor_name: str, known: list[str]) -> MmserError:
    found = f"only {', '.join(known)}" if known else "no cache at all"
    remedy = f"Run: {_command(corpus, extractor_name)}"
    return MmserError(f"a cache of {extractor_name} in {folder}", found, remedy)


def _several_found(extractor_name: str, matches: list[Path]) -> MmserError:
    facts = differences({path.name: read_info(path) for path in matches})
    listed = "; ".join(
        f"{name} ({', '.join(f'{key}={value}' for key, value in what.items())})" for name, what in facts.items()
    )
    remedy = "Name one in full, or remove the old ones with `mmser cache gc`."
    return MmserError(f"one cache of {extractor_name}", f"{len(matches)}: {listed}", remedy)
