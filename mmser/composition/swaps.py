"""Components exchanged by a word: their arguments, and the new name of the system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmser.composition.places import COMPONENTS, own_choices
from mmser.composition.words import Word, chosen
from mmser.core.configs import load_config

NAMING = ("encoder", "fusion", "head", "objective")
"""Those without which a published system is another one; how it is optimised does not rename it."""


def without_leftovers(config: dict[str, Any], words: Sequence[Word]) -> dict[str, Any]:
    """The config in which an exchanged component has its own arguments alone.

    Hydra would hand ``fusion@model.fusion=gated`` the arguments that the system had set for its own
    fusion, too. What a word sets stays.
    """
    set_by_words = {word.key for word in words}
    for word in words:
        if word.group not in COMPONENTS or word.sign == "~":
            continue
        *parents, last = word.place.split(".")
        parent = config
        for key in parents:
            parent = parent.get(key) or {}
        if last not in parent:
            continue
        component = load_config(word.group, str(word.value))
        arguments = parent[last]
        own = [
            key for key in arguments if key in component or f"{word.place}.{key}" in set_by_words
        ]
        parent[last] = {key: arguments[key] for key in own}
    return config


def renamed(config: dict[str, Any], words: Sequence[Word]) -> dict[str, Any]:
    """The config with a card that names exchanged components and has no published scores.

    ``mcsan`` with ``fusion@model.fusion=gated`` is ``mcsan+gated``; figures published for mcsan are
    not about it.
    """
    system = chosen([str(word) for word in words], "system")
    if not system or "card" not in config:
        return config
    own = own_choices(system)
    exchanges = [word for word in words if word.group in NAMING]
    others = [str(word.value) for word in exchanges if own.get(word.key) != word.value]
    if not others:
        return config
    config["card"] = swapped_card(config["card"], others)
    return config


def swapped_card(card: dict[str, Any], others: Sequence[str]) -> dict[str, Any]:
    """A system's card after components of it were exchanged for ``others``.

    What was published of the system is left out.
    """
    name = "+".join([str(card.get("name", "system")), *others])
    title = f"{card.get('title', 'system')}, with {', '.join(others)}"
    return {**card, "name": name, "title": title, "parameters": None, "reported": []}
