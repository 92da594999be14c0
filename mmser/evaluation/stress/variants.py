"""Settings of a run with one thing changed, for training it again on the same folds and seeds with
the same budget.
"""

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
    made = copy.deepcopy(dict(settings))
    kept = set(streams)
    gone = set(made["model"]["encoders"]) - kept
    stages = made.get("stages") or {}
    for name, part in [("", made), *((name, stage or {}) for name, stage in list(stages.items()))]:
        _drop(part, gone)
        sizes = (part.get("objective") or {}).get("sizes")
        if isinstance(sizes, dict):
            left = {stream: size for stream, size in sizes.items() if stream not in gone}
            part["objective"]["sizes"] = left
            if not left and name:
                del stages[name]
    if made["data"].get("word_stream") in gone:
        made["data"].pop("word_stream")
    return made


def _drop(part: Settings, gone: Collection[str]) -> None:
    """Take streams, their encoders and patterns of their weights out of the settings of a run or of
    a stage.
    """
    for tree, key in ((part, "streams"), (part.get("model") or {}, "encoders")):
        if isinstance(tree.get(key), dict):
            tree[key] = {name: spec for name, spec in tree[key].items() if name not in gone}
    trainer = part.get("trainer") or {}
    if trainer.get("freeze"):
        lost = tuple(f"encoders.{name}." for name in gone)
        trainer["freeze"] = [
            pattern for pattern in trainer["freeze"] if not pattern.startswith(lost)
        ]


def with_dropout(settings: Mapping[str, Any], probability: float) -> Settings:
    """The settings with modality dropout in training, each stream of an utterance with
    ``probability``.
    """
    made = copy.deepcopy(dict(settings))
    made["data"]["augmentation"] = [
        *made["data"].get("augmentation", []),
        {"_target_": DROPOUT, "probability": float(probability)},
    ]
    return made


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
    made = copy.deepcopy(dict(settings))
    *parents, last = place.split(".")
    node: Any = made
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        raise _no_component(settings, place)
    node[last] = load_config(group, value)
    if group in NAMING:
        made["card"] = swapped_card(made.get("card") or {}, [value])
    return merged(made, [])  # resolves what the config refers to


def _component_place(key: str, value: str) -> tuple[str, str]:
    """The config group that ``value`` is a member of, "" for the value of an option, and the
    dotted key to set.
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
