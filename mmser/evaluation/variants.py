"""Settings of a run with one thing changed, for training it again on the same folds and seeds with
the same budget.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mmser.composition import merged
from mmser.composition.swaps import NAMING, swapped_card
from mmser.core.configs import config_dir, load_config
from mmser.core.errors import UsageError

Settings = dict[str, Any]

PLACES = {"fusion": "model.fusion", "head": "model.head"}
"""Where a config group stands in the settings, if not under its own name; others are written
GROUP@PLACE.
"""

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

    ``key`` is a dotted key (``model.fusion.size``), a config group (``fusion``, ``objective``,
    ``optimizer``) or GROUP@PLACE (``encoder@model.encoders.audio``); a group's part is replaced
    whole by ``configs/GROUP/VALUE.yaml``, and the system's card says so. Raises UsageError for a
    key that is not there, or one that would change folds or data.
    """
    group, _, place = key.partition("@")
    is_group = bool(place) or (config_dir() / group).is_dir()
    place = place or (PLACES.get(group, group) if is_group else key)
    if place.split(".")[0] in FIXED:
        raise UsageError(
            "a key that leaves folds, seeds and data as they are",
            key,
            "Train another run for that.",
        )
    if not is_group:
        return merged(settings, [f"{key}={value}"])
    made = copy.deepcopy(dict(settings))
    *parents, last = place.split(".")
    node: Any = made
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        raise UsageError(
            f"a part of the run at {place}", "none", f"Write {group}@PLACE=..., as in config.yaml."
        )
    node[last] = load_config(group, value)
    if group in NAMING:
        made["card"] = swapped_card(made.get("card") or {}, [value])
    return merged(made, [])  # resolves what the config refers to


def slug(text: str) -> str:
    """A folder name for a variant."""
    return re.sub(r"[^A-Za-z0-9_.+=-]+", "-", text).strip("-")
