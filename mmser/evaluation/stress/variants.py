"""Settings of a run with one thing changed: the same folds, seeds and budget."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mmser.composition import merged
from mmser.composition.places import full_key, group_at, is_name, short_key
from mmser.composition.swaps import NAMING, swapped_card
from mmser.core.configs import config_dir, load_config
from mmser.core.errors import UsageError

Settings = dict[str, Any]

FIXED = ("corpus", "protocol", "seeds", "folds", "run", "cache", "paths", "card")
"""What must stay the same for a comparison to mean anything."""

DROPOUT = "mmser.data.augmentation.modality_dropout.ModalityDropout"


def only_streams(settings: Mapping[str, Any], streams: Iterable[str]) -> Settings:
    """The settings with the encoders of ``streams`` alone, in every stage.

    A stream that no encoder reads (the characters of a CTC term) stays. A stage that classifies
    streams of which none is left, by ``objective.sizes``, goes; patterns of ``trainer.freeze`` for
    encoders that are gone go with them.
    """
    changed = copy.deepcopy(dict(settings))
    streams_left = set(streams)
    gone = set(changed["model"]["encoders"]) - streams_left
    stages = changed.get("stages") or {}
    # The run itself, whose name is "", and then its stages: each may say the same things.
    levels = {"": changed, **{name: stage or {} for name, stage in stages.items()}}
    for name, level in levels.items():
        _drop(level, gone)
        sizes = (level.get("objective") or {}).get("sizes")
        if isinstance(sizes, dict):
            remaining_sizes = {stream: size for stream, size in sizes.items() if stream not in gone}
            level["objective"]["sizes"] = remaining_sizes
            if not remaining_sizes and name:
                del stages[name]
    if changed["data"].get("word_stream") in gone:
        changed["data"].pop("word_stream")
    return changed


def _drop(component: Settings, gone: Collection[str]) -> None:
    """Take streams out of the settings of a run or a stage, with encoders and weights' patterns."""
    for tree, key in ((component, "streams"), (component.get("model") or {}, "encoders")):
        if isinstance(tree.get(key), dict):
            tree[key] = {name: spec for name, spec in tree[key].items() if name not in gone}
    trainer = component.get("trainer") or {}
    if trainer.get("freeze"):
        lost = tuple(f"encoders.{name}." for name in gone)
        trainer["freeze"] = [
            pattern for pattern in trainer["freeze"] if not pattern.startswith(lost)
        ]


def with_dropout(settings: Mapping[str, Any], probability: float) -> Settings:
    """The settings with modality dropout in training.

    Each stream of an utterance is dropped with ``probability``.
    """
    changed = copy.deepcopy(dict(settings))
    changed["data"]["augmentation"] = [
        *changed["data"].get("augmentation", []),
        {"_target_": DROPOUT, "probability": float(probability)},
    ]
    return changed


def with_value(settings: Mapping[str, Any], key: str, value: str) -> Settings:
    """The settings with ``key`` set to ``value``.

    ``key`` is a dotted key (``trainer.epochs``, ``fusion.size``) or the place of a component as
    `mmser train` reads it: ``fusion``, ``head``, ``encoders.audio``, ``objective``, ``optimizer``,
    ``fusion@model.fusion``. A component is replaced whole by ``configs/GROUP/VALUE.yaml``, and the
    system's card says so. Raises UsageError for a key that is not there, or one that would change
    folds or data.
    """
    group, place = _component_place(key, value)
    if place.split(".")[0] in FIXED:
        raise UsageError(
            "a key that leaves folds, seeds and data as they are",
            key,
            "Train another run for that.",
        )
    if not group:
        return merged(settings, [f"{key}={value}"])
    changed = copy.deepcopy(dict(settings))
    *parents, last = place.split(".")
    node: Any = changed
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        raise _no_component(settings, place)
    node[last] = load_config(group, value)
    if group in NAMING:
        changed["card"] = swapped_card(changed.get("card") or {}, [value])
    return merged(changed, [])  # resolves what the config refers to


def _component_place(key: str, value: str) -> tuple[str, str]:
    """The config group that ``value`` is a member of, and the dotted key to set.

    The group is "" where ``value`` is that of an option.
    """
    group, at, place = key.partition("@")
    if at:
        return group, place
    place = full_key(key)
    if group_at(place) and is_name(value):
        return group_at(place), place
    return (key, key) if (config_dir() / key).is_dir() else ("", place)


def _no_component(settings: Mapping[str, Any], place: str) -> UsageError:
    model = settings.get("model") or {}
    places = ["fusion", "head", *(f"encoders.{stream}" for stream in model.get("encoders") or {})]
    near = difflib.get_close_matches(short_key(place), places, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(places)}."
    return UsageError("a component that the run has", short_key(place), hint)


def slug(text: str) -> str:
    """A folder name for a variant."""
    return re.sub(r"[^A-Za-z0-9_.+=-]+", "-", text).strip("-")
