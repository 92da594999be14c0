"""A part put into another's place by a word: it keeps its own arguments, and the system its own
name no longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from mmser.composition.places import COMPONENTS, own_choices
from mmser.composition.words import Word, chosen
from mmser.core.configs import load_config

NAMING = ("encoder", "fusion", "head", "objective")
"""Those without which a published system is another one; how it is optimised does not rename it."""


def without_leftovers(config: dict[str, Any], words: Sequence[Word]) -> dict[str, Any]:
    """A part that a word chooses (``fusion@model.fusion=gated``, ``optimizer=sgd``) keeps only the
    arguments it knows.

    Hydra would hand it those that the system had set for its own part. What a word sets stays,
    known or not.
    """
    asked = {word.key for word in words}
    for word in words:
        if word.group not in COMPONENTS or word.sign == "~":
            continue
        *parents, last = word.place.split(".")
        parent = reduce(lambda node, key: node.get(key) or {}, parents, config)
        known = load_config(word.group, str(word.value))
        if last in parent:
            part = parent[last].items()
            parent[last] = {
                key: value for key, value in part if key in known or f"{word.place}.{key}" in asked
            }
    return config


def renamed(config: dict[str, Any], words: Sequence[Word]) -> dict[str, Any]:
    """The config with a card that says which parts are not the system's own: its name is longer,
    its scores are gone.

    ``mcsan`` with ``fusion@model.fusion=gated`` is ``mcsan+gated``; figures published for mcsan are
    not about it.
    """
    system = chosen([str(word) for word in words], "system")
    if not system or "card" not in config:
        return config
    own = own_choices(system)
    others = [
        str(word.value)
        for word in words
        if word.group in NAMING and own.get(word.key) != word.value
    ]
    if not others:
        return config
    config["card"] = swapped_card(config["card"], others)
    return config


def swapped_card(card: dict[str, Any], others: Sequence[str]) -> dict[str, Any]:
    """A system's card after parts of it were exchanged for ``others``, without what was published
    of it.
    """
    name = "+".join([str(card.get("name", "system")), *others])
    title = f"{card.get('title', 'system')}, with {', '.join(others)}"
    return {**card, "name": name, "title": title, "parameters": None, "reported": []}
