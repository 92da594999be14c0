"""One step of staged training: what an entry of ``stages`` may change.

See `mmser.runs.training_stages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from mmser.settings.ranges import ListOf, MappingOf, Text

PART = MappingOf(what="a mapping of what differs")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: each part is what differs from the rest of the config.

    ``load`` is taken over from the stage before.
    """

    objective: Annotated[Mapping[str, Any] | None, PART] = None
    model: Annotated[Mapping[str, Any] | None, PART] = None
    optimizer: Annotated[Mapping[str, Any] | None, PART] = None
    scheduler: Annotated[Mapping[str, Any] | None, PART] = None
    trainer: Annotated[Mapping[str, Any] | None, PART] = None
    data: Annotated[Mapping[str, Any] | None, PART] = None
    streams: Annotated[Mapping[str, Any] | None, PART] = None
    load: Annotated[Sequence[str], ListOf(Text("a name pattern"))] = ("*",)
