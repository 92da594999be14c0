"""A key that the config does not list: an argument that a part has, or an error.

The error names the nearest keys.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmser.composition.words import PLACES, Word
from mmser.core.configs import config_dir
from mmser.core.errors import UsageError
from mmser.settings.check import ranges_of
from mmser.settings.data import Data, Episodes
from mmser.settings.optimizer import Optimizer
from mmser.settings.part import argument_names
from mmser.settings.stage import Stage
from mmser.settings.stream import StreamSpec
from mmser.settings.trainer import Trainer

SECTIONS = {"trainer": Trainer, "data": Data, "optimizer": Optimizer, "data.episodes": Episodes}


def with_signs(words: Sequence[Word], tree: Mapping[str, Any]) -> list[Word]:
    """The words with a plus where one sets an argument that a part has and ``tree`` does not list.

    ``tree`` is what the choices among the words compose to. Raises UsageError for a key that
    nothing has.
    """
    return [_with_sign(word, tree) for word in words]


def has_key(tree: Any, key: str) -> bool:
    """Whether a dotted key stands in a tree of mappings and lists."""
    node = tree
    for name in key.split("."):
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, Mapping) and name in node:
            node = node[name]
        else:
            return False
    return True


def is_argument(tree: Mapping[str, Any], key: str) -> bool:
    """Whether a dotted key that is not in the tree names an argument of what is there."""
    names = key.split(".")
    if names[0] == "stages":
        return (
            len(names) > 2
            and names[1] in (tree.get("stages") or {})
            and names[2] in ranges_of(Stage)
        )
    parent, _, last = key.rpartition(".")
    if parent and last in _further(tree, parent):
        return True
    # A mapping that is itself an argument: names in it are free.
    above, _, argument = parent.rpartition(".")
    return (
        isinstance(_at(tree, parent), Mapping | None)
        and above != ""
        and argument in _further(tree, above)
    )


def unknown_key(key: str, tree: Mapping[str, Any]) -> UsageError:
    """The error for a key that nothing has, with the nearest ones that there are."""
    parent = key.rpartition(".")[0]
    beside = [name for name in _further(tree, parent) if not name.startswith("_")]
    names = _nearest(key, [f"{parent}.{name}" for name in beside if parent], list(_keys(tree)))
    hint = "`mmser list` prints the names; see docs/."
    if names:
        hint = f"Did you mean {' or '.join(names)}?"
    elif beside:
        hint = f"There are: {', '.join(beside[:12])}."
    if parent.startswith("streams.") and not has_key(tree, parent):
        hint = f"{hint} A further stream is added by +{parent}.extractor=NAME."
    if (
        key.startswith("stages.")
        and parent.count(".")
        and not has_key(tree, ".".join(key.split(".")[:2]))
    ):
        hint = (
            f"Stages: {', '.join(tree.get('stages') or {}) or 'none'}. A further one is added "
            f"by +{key}=VALUE."
        )
    return UsageError("an option that this command has", key, hint)


def _nearest(key: str, beside: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Three keys at most, the nearest first.

    Those of the same last name, then a like one ``beside`` it, a like one anywhere, a like group.
    """
    last = _last(key)
    near = [other for other in keys if _last(other) == last]
    near += _alike(last, beside, 0.6)
    if not near:
        near += _alike(last, keys, 0.75)
    if "." not in key:
        folders = [path.name for path in config_dir().iterdir() if path.is_dir()]
        groups = [name for name in folders if name not in PLACES]
        near += difflib.get_close_matches(key, groups, n=1, cutoff=0.7)
    return list(dict.fromkeys(near))[:3]


def _alike(last: str, keys: Sequence[str], cutoff: float) -> list[str]:
    """Two keys at most whose last name is like ``last``."""
    by_last = {_last(other): other for other in reversed(keys)}
    names = difflib.get_close_matches(last, list(by_last), n=2, cutoff=cutoff)
    return [by_last[name] for name in names]


def _last(key: str) -> str:
    return key.rpartition(".")[2]


def _with_sign(word: Word, tree: Mapping[str, Any]) -> Word:
    if word.group or word.key.startswith("hydra") or word.sign == "~" or "@" in word.key:
        return word
    if has_key(tree, word.key) or word.sign or is_argument(tree, word.key):
        return replace(word, sign="++")
    raise unknown_key(word.key, tree)


def _further(tree: Mapping[str, Any], place: str) -> Sequence[str]:
    """The options that may be set at a place, listed there or not."""
    names = place.split(".")
    inner = names[2:] if names[0] == "stages" else names
    if len(inner) == 2 and inner[0] == "streams":
        is_listed = isinstance(_at(tree, place), Mapping)
        # A stage lists only what it changes of a stream.
        of_stage = len(names) > 2
        return tuple(ranges_of(StreamSpec)) if is_listed or of_stage else ()
    if ".".join(inner) in SECTIONS:
        section = tuple(ranges_of(SECTIONS[".".join(inner)]))
        return section if inner != ["optimizer"] else (*section, *_arguments_at(tree, place))
    return _arguments_at(tree, place)


def _arguments_at(tree: Mapping[str, Any], place: str) -> Sequence[str]:
    node = _at(tree, place)
    if not isinstance(node, Mapping):
        return ()
    target = node.get("_target_")
    return argument_names(target) or () if isinstance(target, str) else tuple(map(str, node))


def _at(tree: Any, key: str) -> Any:
    node = tree
    for name in key.split("."):
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        else:
            node = node.get(name) if isinstance(node, Mapping) else None
    return node


def _keys(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Every dotted key of a tree but those of the protocol's and the card's texts."""
    for key, value in tree.items():
        if prefix == "" and key in ("card", "hydra"):
            continue
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")
