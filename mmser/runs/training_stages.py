"""Staged training: one system trained in several steps.

Each starts from the weights of the one before. ``stages`` in a config maps names, in order, to what
differs from the rest of the config: ``objective``, ``model``, ``optimizer`` and ``scheduler``
(replaced as a whole when they name a ``_target_``), ``trainer`` and ``data`` (key by key),
``streams``, and ``load``, name patterns of what is taken over from the stage before (default: all
that has the same name). Each stage keeps its own best weights and resumes by itself; the last one's
are the fold's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmser.core.errors import MmserError
from mmser.core.file_names import file_name
from mmser.runs.run_paths import STAGES
from mmser.settings.run import RunSettings, read_run

PARTS = ("objective", "model", "optimizer", "scheduler", "trainer", "data", "streams")


@dataclass(frozen=True, slots=True)
class Stage:
    """``config`` is the run's with the stage's changes; ``folder`` is relative to the fold's.

    ``load`` applies to the stage before, if any.
    """

    name: str
    config: dict[str, Any]
    folder: Path
    load: tuple[str, ...] = ("*",)

    @property
    def settings(self) -> RunSettings:
        """The config as the code reads it."""
        return read_run(self.config)


def list_stages(config: Mapping[str, Any]) -> list[Stage]:
    """The stages of a config in order; a config without any is one stage.

    Raises MmserError for an unknown key.
    """
    stages = config.get("stages") or {}
    if not stages:
        return [Stage("", dict(config), Path())]
    last = list(stages)[-1]
    listed = []
    for name, stage_changes in stages.items():
        changes = stage_changes or {}
        # The last stage's model is the fold's: it lies in the fold's own folder.
        folder = Path() if name == last else Path(STAGES) / file_name(name)
        load = tuple(changes.get("load", ("*",)))
        listed.append(Stage(name, _changed(config, name, changes), folder, load))
    return listed


def _changed(settings: Mapping[str, Any], name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(changes) - {*PARTS, "load"})
    if unknown:
        raise MmserError(
            f"the keys {', '.join(PARTS)}, load in stages.{name}", ", ".join(unknown), "Correct it."
        )
    return _merged(settings, {key: value for key, value in changes.items() if key != "load"})


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """``new`` over ``old``, key by key.

    A mapping that names a ``_target_`` replaces the old one whole.
    """
    merged = dict(old)
    for key, value in new.items():
        deep = (
            isinstance(value, Mapping)
            and isinstance(old.get(key), Mapping)
            and "_target_" not in value
        )
        merged[key] = _merged(old[key], value) if deep else value
    return merged
