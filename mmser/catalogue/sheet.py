"""All about one entry of the registry: a system's parts, input, cost and card, or a plug-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmser.catalogue.descriptions import comments, description
from mmser.catalogue.lists import KINDS
from mmser.core.configs import config_names, load_config, unknown_name
from mmser.core.errors import UsageError
from mmser.weights.demand import system_weights

PARTS = ("encoder", "fusion", "head", "objective", "optimizer", "scheduler", "solver")
MOST = 30
"""Items of a mapping or a list that are shown."""
Section = tuple[str, list[tuple[str, str]]]
"""A title and its (name, text) lines."""


def sheet(kind: str, name: str) -> list[Section]:
    """The sections of one entry. Raises UsageError for a kind or a name that is not there."""
    singular = {group: group for group in KINDS.values()}
    group = {**KINDS, **singular}.get(kind)
    if group is None:
        raise unknown_name("kind", kind, [*singular])
    if name not in config_names(group):
        raise unknown_name(group, name, config_names(group))
    config = load_config(group, name)
    if group == "system":
        return _system(name, config)
    arguments = [(key, _text(value)) for key, value in config.items() if not key.startswith("_")]
    head = [("what", description(group, name, config)), ("command", comments(group, name)[0])]
    head += [("class", str(config.get("_target_", "")))]
    return [(f"{group} {name}", [line for line in head if line[1]]), ("arguments", arguments)]


def kind_of(name: str) -> str:
    """The only kind that has an entry of this name.

    Raises UsageError where none or several have.
    """
    groups = [group for group in KINDS.values() if name in config_names(group)]
    if "system" in groups:  # what a user means who names no kind
        return "system"
    if len(groups) == 1:
        return groups[0]
    if not groups:
        everything = sorted({each for group in KINDS.values() for each in config_names(group)})
        raise unknown_name("entry", name, everything)
    raise UsageError(
        f"one of {', '.join(groups)} for {name}", "no kind", f"Write mmser show {groups[0]} {name}."
    )


def _system(name: str, config: dict[str, Any]) -> list[Section]:
    card = config.get("card") or {}
    parameters = card.get("parameters")
    counted = f"{parameters:,}" if isinstance(parameters, int) else "not stated"
    weights = ", ".join(system_weights(config)) or "none"
    about = [
        ("what", str(card.get("title", ""))),
        ("source", str(card.get("citation", ""))),
        ("command", comments("system", name)[0]),
        ("notes", comments("system", name)[1]),
    ]
    reported = [
        (
            f"{score['data']} {score['metric']}",
            f"{score['value']} ({score.get('protocol', 'protocol unknown')}; "
            f"{score.get('source', 'its paper')})",
        )
        for score in card.get("reported") or []
    ]
    departures = [("-", str(text)) for text in card.get("departures") or []]
    sections: list[Section] = [
        (f"system {name}", [line for line in about if line[1]]),
        ("input", _streams(config)),
        ("parts", _parts(config)),
        ("cost", [("parameters", counted), ("weights", weights)]),
        ("training", _training(config)),
        ("published, not obtained here", reported),
        ("departures from the paper", departures),
    ]
    return [section for section in sections if section[1]]


def _streams(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each stream: its extractor, what that makes, and the stream's own options."""
    lines = []
    for stream, spec in (config.get("streams") or {}).items():
        extractor, _, words = str(spec.get("extractor", "")).partition("@")
        what = extractor + (f" of {words}" if words else "")
        if extractor in config_names("extractor"):
            made = description("extractor", extractor, load_config("extractor", extractor))
            what += f": {made}"
        others = {key: value for key, value in spec.items() if key != "extractor"}
        options = f" ({_text(others)})" if others else ""
        lines.append((str(stream), what + options))
    return lines


def components(config: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """{place: (group, name)} of every component that a system chooses.

    A place is named as in a command: fusion, encoders.audio, objective.
    """
    chosen: dict[str, tuple[str, str]] = {}
    for choice in config.get("defaults", []):
        for key, name in choice.items():
            group, _, place = key.removeprefix("override ").removeprefix("/").partition("@")
            if group in PARTS and name:
                chosen[place.removeprefix("model.") or group] = (group, str(name))
    return chosen


def _parts(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every component that the system chooses, with what it changes of it."""
    lines = []
    for place, (group, name) in components(config).items():
        what = description(group, name, load_config(group, name))
        changes = _changes(config, place)
        lines.append((place, f"{name}: {what}" + (f" ({changes})" if changes else "")))
    return lines


def _changes(config: Mapping[str, Any], place: str) -> str:
    """What the system sets of the component at a place, of the model or beside it."""
    inside: Any = config.get(place) or config.get("model")
    for key in place.split(".") if place not in config else ():
        inside = inside.get(key) if isinstance(inside, Mapping) else None
    return _text(inside) if isinstance(inside, Mapping) else ""


def _training(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [(key, _text(config[key])) for key in ("data", "trainer") if config.get(key)]
    stages = list(config.get("stages") or {})
    return [*rows, *([("stages", " -> ".join(stages))] if stages else [])]


def _text(value: object) -> str:
    """A value of a config in one line."""
    if isinstance(value, Mapping):
        pairs = [
            f"{key} {_text(inner)}" for key, inner in value.items() if not str(key).startswith("_")
        ]
        return _shortened(pairs)
    if isinstance(value, list):
        return f"[{_shortened([*map(_text, value)])}]"
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)


def _shortened(items: list[str]) -> str:
    more = [f"and {len(items) - MOST} more"] if len(items) > MOST else []
    return ", ".join([*items[:MOST], *more])
