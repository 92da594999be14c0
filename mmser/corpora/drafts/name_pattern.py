"""``{emotion}_{speaker}_{n}.wav``: how the names of files tell what is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmser.core.errors import UsageError

FIELD = re.compile(r"\{(?P<name>[A-Za-z_]\w*)?(?::(?P<length>[1-9]\d?))?\}")
ANY_ENDING = ".{}"
EXAMPLE = "such as '{emotion}_{speaker}_{n}.wav', '{speaker}/{emotion}/{n}' or '{speaker:2}{n:3}'"


@dataclass(frozen=True)
class NamePattern:
    """``shortest`` and ``longest`` give fields of equal separators to the last or the first one."""

    text: str
    names: tuple[str, ...]
    shortest: re.Pattern[str]
    longest: re.Pattern[str]

    @property
    def depth(self) -> int:
        """Folders that the pattern speaks of."""
        return self.text.count("/")

    def fields_of(self, path: str) -> dict[str, str]:
        """What the path (parts separated by ``/``) says.

        Raises ValueError with the reason when it does not fit, or fits in two ways.
        """
        tail = "/".join(path.split("/")[-self.depth - 1 :])
        match = self.shortest.fullmatch(tail)
        if match is None:
            raise ValueError("does not fit")
        fields = match.groupdict()
        other = self.longest.fullmatch(tail)
        if other is not None and other.groupdict() != fields:
            raise ValueError(f"fits in two ways, {_shown(fields)} and {_shown(other.groupdict())}")
        return fields


def name_pattern(text: str) -> NamePattern:
    """Read a pattern: ``{field}`` is one character or more, ``{field:2}`` exactly two.

    No field reaches over a folder; ``{}`` is skipped; an ending fits in capitals too, and without
    one (or with ``.{}``) any does. Raises UsageError for a pattern without fields, or with one
    twice.
    """
    names = [match["name"] for match in FIELD.finditer(text) if match["name"]]
    rest = FIELD.sub("", text)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names or repeated or "{" in rest or "}" in rest:
        found = f"{{{repeated[0]}}} twice in '{text}'" if repeated else f"'{text}'"
        raise UsageError(f"a pattern of names, {EXAMPLE}", found, "See mmser manifest --help.")
    return NamePattern(
        text, tuple(names), re.compile(_expression(text, "+?")), re.compile(_expression(text, "+"))
    )


def _expression(text: str, repeat: str) -> str:
    """The regular expression of a pattern."""
    text = text.removesuffix(ANY_ENDING)
    pieces, place = [], 0
    for match in FIELD.finditer(text):
        pieces.append(re.escape(text[place : match.start()]))
        count = f"{{{match['length']}}}" if match["length"] else repeat
        group = f"?P<{match['name']}>" if match["name"] else "?:"
        pieces.append(f"({group}[^/]{count})")
        place = match.end()
    name, dot, ending = text[place:].rpartition(".")
    if not dot:
        # A pattern of the name alone takes .wav as well as .mp4.
        return "".join(pieces) + re.escape(ending) + r"(?:\.[^./]+)"
    # Recorders write .WAV.
    return "".join(pieces) + re.escape(name) + rf"(?i:\.{re.escape(ending)})"


def _shown(fields: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())
