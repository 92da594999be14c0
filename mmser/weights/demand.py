"""Which weights the extractors, encoders and systems of ``configs/`` want, and what lies here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmser.core.configs import config_names, load_config
from mmser.core.weights import RANDOM, Weights
from mmser.weights.sources import SOURCES

_PLACE = "${paths.weights}/"
_GROUPS = ("extractor", "encoder")
_ENCODER = "/encoder@model.encoders."


def weights_table(folder: Path) -> list[dict[str, str]]:
    """One row per weights: those that `place` knows first, then those that configs name.

    Columns: name, what, here (its place, or how to get it), wanted by.
    """
    users = _users()
    rows = []
    for name, entry in SOURCES.items():
        place = folder / entry.place
        here = str(place) if place.exists() else f"mmser weights get {name}"
        names = sorted(set(users.pop(entry.place, [])))
        rows.append(_row(name, f"{entry.what}, {entry.licence}", here, names))
    return rows + [_configured(source, names, folder) for source, names in sorted(users.items())]


def system_weights(config: Mapping[str, Any]) -> list[str]:
    """The weights that a system's config, its encoders and its streams' extractors want, sorted.

    Short names of `mmser weights get`, else hub ids and files.
    """
    extractors = {
        str(stream.get("extractor", "")).partition("@")[0]
        for stream in (config.get("streams") or {}).values()
    }
    parts = [load_config("extractor", name) for name in extractors if name]
    parts += _encoders(config)
    short = {entry.place: name for name, entry in SOURCES.items()}
    sources = [_source(component) for part in [config, *parts] for component in _components(part)]
    return sorted({short.get(source, source.partition("@")[0]) for source in sources if source})


def _encoders(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The encoders that a system's defaults choose, with what the system changes of them."""
    chosen: dict[str, str] = {}
    for choice in config.get("defaults", []):
        for key, name in choice.items():
            place = key.removeprefix("override ")
            if place.startswith(_ENCODER):
                chosen[place.removeprefix(_ENCODER)] = name  # a later choice counts
    changes = (config.get("model") or {}).get("encoders") or {}
    return [
        {**load_config("encoder", name), **(changes.get(stream) or {})}
        for stream, name in chosen.items()
    ]


def _row(name: str, what: str, here: str, names: list[str]) -> dict[str, str]:
    return {"name": name, "what": what, "here": here, "wanted by": ", ".join(names) or "-"}


def _configured(source: str, names: list[str], folder: Path) -> dict[str, str]:
    """The row of weights that a config names as a hub id with its commit, or as a file."""
    name, _, revision = source.partition("@")
    weights = Weights(name, revision or None, str(folder))
    if weights.local is not None:
        here = str(weights.local)
    elif revision:
        here = f"mmser weights get {source}"
    else:
        here = f"missing: {folder / name}"
    return _row(name, "hub checkpoint" if revision else "file", here, sorted(set(names)))


def _users() -> dict[str, list[str]]:
    """{weights: names of the configs that want them}, a hub id with ``@commit``."""
    users: dict[str, list[str]] = {}
    for group in (*_GROUPS, "system"):
        for name in config_names(group):
            for component in _components(load_config(group, name)):
                source = _source(component)
                if source:
                    users.setdefault(source, []).append(name)
    return users


def _components(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping below ``node`` that has weights."""
    if isinstance(node, dict):
        if isinstance(node.get("weights"), str):
            yield node
        for value in node.values():
            yield from _components(value)
    elif isinstance(node, list):
        for value in node:
            yield from _components(value)


def _source(component: dict[str, Any]) -> str | None:
    """The name of the component's weights below the folder of all weights; None for random ones."""
    source = str(component["weights"])
    if source.startswith(_PLACE):
        return source.removeprefix(_PLACE)
    if source == RANDOM or "$" in source or not source:
        return None
    return f"{source}@{component['revision']}" if component.get("revision") else source
