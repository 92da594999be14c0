"""What the worker processes compute beside decoding: extractors that run no network.

A worker makes them anew from their class and arguments, as no object travels between processes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import import_module
from typing import Any

from mmser.core.clip import Clip, Failure, Features
from mmser.core.contracts import Extractor

Description = dict[str, Any]
"""JSON: the module and the name of a class, and its arguments."""


@dataclass(frozen=True, slots=True)
class Work:
    """``described`` are the extractors by the names of their stores, ``ids`` what each is due.

    ``kept`` are the ids whose sound the caller needs itself, by its rate (Hz).
    """

    described: Mapping[str, Description] = field(default_factory=dict)
    ids: Mapping[str, set[str]] = field(default_factory=dict)
    kept: Mapping[int, set[str]] = field(default_factory=dict)

    def of(self, identifiers: Sequence[str]) -> dict[str, Any]:
        """What a worker is told about some utterances, as JSON."""
        chosen = set(identifiers)
        return {
            "extractors": dict(self.described),
            "ids": {name: sorted(ids & chosen) for name, ids in self.ids.items()},
            "kept": [[rate, sorted(ids & chosen)] for rate, ids in self.kept.items()],
        }

    def concerns(self, identifiers: Sequence[str]) -> bool:
        """Whether some extractor is due for one of these utterances."""
        return any(not ids.isdisjoint(identifiers) for ids in self.ids.values())

    def alone(self) -> Work:
        """The same without its extractors: the sound goes to the caller."""
        every = set().union(*self.ids.values())
        return Work(kept={rate: ids | every for rate, ids in self.kept.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A clip with what a worker has made of it, by the names of the stores.

    ``took`` are the seconds of each result, ``seconds`` the clip's own length.
    """

    clip: Clip
    results: Mapping[str, Features | Failure] = field(default_factory=dict)
    took: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def seconds_of(clip: Clip) -> float:
    """The length of a clip by what was decoded of it."""
    for rate, waveform in ((16_000, clip.waveform), *clip.waveforms.items()):
        if waveform is not None:
            return len(waveform) / rate
    if clip.frames is not None and clip.frame_rate:
        return len(clip.frames) / clip.frame_rate
    return 0.0


def described(extractor: Extractor) -> Description | None:
    """How a worker makes this extractor; None where it cannot be told in words.

    It can be for a dataclass of an importable module whose arguments are JSON values.
    """
    kind = type(extractor)
    if not is_dataclass(extractor) or kind.__module__ == "__main__":
        return None
    stated = {item.name: getattr(extractor, item.name) for item in fields(extractor) if item.init}
    description = {"module": kind.__module__, "name": kind.__qualname__, "arguments": stated}
    try:
        travelled = json.loads(json.dumps(description, allow_nan=False))
        return description if made(travelled) == extractor else None
    # Whatever a class says of its arguments, it is then computed where it is.
    except Exception:  # noqa: BLE001
        return None


def made(description: Mapping[str, Any]) -> Any:
    """The extractor that was `described`."""
    kind: Any = import_module(description["module"])
    for name in description["name"].split("."):
        kind = getattr(kind, name)
    return kind(**description["arguments"])
