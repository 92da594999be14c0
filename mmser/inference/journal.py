"""What a long prediction has judged so far, so that the same command goes on where it stopped.

A file of JSON lines: first what all judgements depend on, then one recording a line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.atomic import write_bytes
from mmser.inference.segments import Segment


@dataclass(frozen=True, slots=True)
class Judged:
    """A recording's timeline, and whether some model that judged it has heard its speaker."""

    table: pd.DataFrame
    heard: bool


class Journal:
    """The judged recordings of one command, on the disk as soon as each is judged."""

    def __init__(self, path: Path, recipe: Mapping[str, Any]) -> None:
        """``recipe``: plain values on which every judgement depends.

        What was kept of another recipe is dropped, and a line that a kill cut off.
        """
        self._path = path
        first, *others = _lines(path) or [None]
        self._kept = {line["key"]: line for line in others} if first == recipe else {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = [recipe, *self._kept.values()]
        write_bytes(path, "".join(f"{json.dumps(line)}\n" for line in whole).encode())

    def find(self, recording: Path, segments: Sequence[Segment] | None) -> Judged | None:
        """What was said of a recording whose file and segments are those of then; else None."""
        line = self._kept.get(_key(recording, segments))
        if line is None:
            return None
        table = pd.DataFrame(line["rows"], columns=list(line["types"]), dtype=object)
        return Judged(table.astype(line["types"]), line["heard"])

    def add(self, recording: Path, segments: Sequence[Segment] | None, judged: Judged) -> None:
        """Keep what was said of a recording."""
        table = judged.table
        line = {
            "key": _key(recording, segments),
            "types": {str(name): str(kind) for name, kind in table.dtypes.items()},
            "rows": table.astype(object).where(table.notna(), None).to_numpy().tolist(),
            "heard": judged.heard,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")

    def remove(self) -> None:
        """Nothing is left to go on with."""
        self._path.unlink(missing_ok=True)


def _lines(path: Path) -> list[Any]:
    """The whole lines of the file, none where there is no file; one that is no JSON ends it."""
    lines: list[Any] = []
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def _key(recording: Path, segments: Sequence[Segment] | None) -> str:
    """What tells a file and its segments from others; a file that is gone has no size."""
    state = recording.stat() if recording.is_file() else None
    size, modified = (state.st_size, state.st_mtime_ns) if state else (None, None)
    named = None if segments is None else [repr(segment) for segment in segments]
    return json.dumps([str(recording.absolute()), size, modified, named])
