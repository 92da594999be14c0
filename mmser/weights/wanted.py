"""Which weights the extractors, encoders and systems of ``configs/`` want, and what lies here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmser.core.configs import config_names, load_config
from mmser.core.weights import RANDOM, Weights
from mmser.weights.known import KNOWN

_PLACE = "${paths.weights}/"
_GROUPS = ("extractor", "encoder")


def weights_table(folder: Path) -> list[dict[str, str]]:
    """One row per weights: those that `place` knows first, then those that configs name.

    Columns: name, what, here (its place, or how to get it), wanted by.
    """
    users = _users()
    rows = []
    for name, known in KNOWN.items():
        place = folder / known.place
        here = str(place) if place.exists() else f"mmser weights get {name}"
        wanted = sorted(set(users.pop(known.place, [])))
        rows.append(_row(name, f"{known.what}, {known.licence}", here, wanted))
    return rows + [_configured(source, wanted, folder) for source, wanted in sorted(users.items())]


def _row(name: str, what: str, here: str, wanted: list[str]) -> dict[str, str]:
    return {"name": name, "what": what, "here": here, "wanted by": ", ".join(wanted) or "-"}


def _configured(source: str, wanted: list[str], folder: Path) -> dict[str, str]:
    """The row of weights that a config names as a hub id with its commit, or as a file."""
    name, _, revision = source.partition("@")
    weights = Weights(name, revision or None, str(folder))
    if weights.local is not None:
        here = str(weights.local)
    elif revision:
        here = f"mmser weights get {source}"
    else:
        here = f"missing: {folder / name}"
    return _row(name, "hub checkpoint" if revision else "file", here, sorted(set(wanted)))


def _users() -> dict[str, list[str]]:
    """{weights: names of the configs that want them}, a hub id with ``@commit``."""
    wanted: dict[str, list[str]] = {}
    for group in (*_GROUPS, "system"):
        for name in config_names(group):
            for part in _parts(load_config(group, name)):
                source = _source(part)
                if source:
                    wanted.setdefault(source, []).append(name)
    return wanted


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping below ``node`` that has weights."""
    if isinstance(node, dict):
        if isinstance(node.get("weights"), str):
            yield node
        for value in node.values():
            yield from _parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _parts(value)


def _source(part: dict[str, Any]) -> str | None:
    """What the part's weights go by below the folder of all weights; None for random ones."""
    source = str(part["weights"])
    if source.startswith(_PLACE):
        return source.removeprefix(_PLACE)
    if source == RANDOM or "$" in source or not source:
        return None
    return f"{source}@{part['revision']}" if part.get("revision") else source
