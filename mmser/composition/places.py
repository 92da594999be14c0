"""Where the components of a system stand in its config, and short words for these places.

``fusion``, ``head`` and ``encoders.STREAM`` are short for the keys below ``model`` that have the
same names, ``labels`` for the protocol's map of labels. A member of a config group may stand at the
place of a component: ``fusion=gated`` and ``model.fusion=gated`` both mean what Hydra writes
``fusion@model.fusion=gated``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mmser.core.configs import config_names, load_config
from mmser.core.errors import UsageError

IN_MODEL = ("fusion", "head", "encoders")
"""First names of keys that users write without ``model.`` in front."""

IN_PROTOCOL = "labels"
"""The key that users write without ``protocol.`` in front."""

COMPONENTS = ("encoder", "fusion", "head", "objective", "optimizer", "scheduler", "solver")
"""Config groups of which one member can take the place of another."""

OF_MODEL = {"model.fusion": "fusion", "model.head": "head"}
OF_STAGE = ("objective", "optimizer", "scheduler")
OF_DOMAIN = ("corpus", "protocol")
"""Groups whose members stand in a stage and in a domain, each under the group's name."""


def full_key(key: str) -> str:
    """The dotted key that a word of a user means: ``fusion.size`` -> ``model.fusion.size``."""
    if key.partition(".")[0] == IN_PROTOCOL:
        return f"protocol.{key}"
    return f"model.{key}" if key.partition(".")[0] in IN_MODEL else key


def group_at(key: str) -> str:
    """The config group whose members can stand at a dotted key, "" where none can.

    ``model.encoders.audio`` -> ``encoder``, ``stages.first.objective`` -> ``objective``.
    """
    section, _, within = key.partition(".")
    inner = within.partition(".")[2]
    if section == "domains":
        return inner if inner in OF_DOMAIN else ""
    if section == "stages":
        return inner if inner in OF_STAGE else _group_in_model(inner)
    return _group_in_model(key)


def _group_in_model(key: str) -> str:
    above, _, stream = key.rpartition(".")
    return "encoder" if above == "model.encoders" and stream else OF_MODEL.get(key, "")


def is_name(value: str) -> bool:
    """Whether a word's value names a config, and is no mapping, reference or ``null``."""
    return bool(value) and value != "null" and value[0] not in "{[$'\""


def own_choices(system: str) -> dict[str, str]:
    """{"fusion@model.fusion": "mcsan", ...}: the components that a system's config names.

    Those of its parents are included.
    """
    return {"objective": "cross_entropy", **_choices("system", system)}


def experiment_choices(experiment: str) -> dict[str, str]:
    """The components that an experiment's config names; none for "" and null."""
    known = experiment in config_names("experiment")
    return _choices("experiment", experiment) if known else {}


def check_place(choice: str, systems: Iterable[str], experiments: Iterable[str]) -> None:
    """Raise UsageError unless ``choice``, ``GROUP@PLACE``, names the place of a component.

    The system or the experiment of the command must have a component there. Hydra would say no more
    than that nothing there can be overridden.
    """
    own: dict[str, str] = {}
    for system in systems:
        own |= own_choices(system)
    for experiment in experiments:
        own |= _choices("experiment", experiment)
    if not own or choice in own:
        return
    place = short_key(choice.partition("@")[2])
    places = [short_key(other.partition("@")[2]) for other in own if "@" in other]
    near = difflib.get_close_matches(place, places, n=1, cutoff=0.8)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(places)}."
    raise UsageError(
        "a component that the system has",
        place,
        f"{hint} A further one is added by +{place}=NAME.",
    )


def short_key(key: str) -> str:
    """The word that users have for a dotted key: ``model.fusion`` -> ``fusion``."""
    short = key.removeprefix("model.").removeprefix("protocol.")
    return short if full_key(short) == key else key


def _choices(group: str, name: str) -> dict[str, str]:
    choices: dict[str, str] = {}
    for entry in load_config(group, name).get("defaults", []):
        for choice, member in entry.items():
            choices[choice.removeprefix("override ").lstrip("/")] = str(member)
    return choices
