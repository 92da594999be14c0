"""An utterance among the turns around it, as the sub-word ids of one text.

Source: Kim and Vossen, "EmoBERTa: speaker-aware emotion recognition in conversation with RoBERTa",
2021: earlier turns, the utterance and later turns are three segments, each turn opened by the name
of its speaker in capitals.

Differs: a turn that does not fit is left out whole, where the paper's code cuts the whole text;
without earlier (later) turns there is no separator before (behind) the utterance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from mmser.core.clip import Dialogue, Turn
from mmser.core.words import straight_apostrophes


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks a tokenizer sets before a text, between two texts, and behind the last."""

    start: list[int]
    between: list[int]
    end: list[int]


@dataclass(frozen=True, slots=True)
class DialoguePieces:
    """Sub-word ids; ``own`` are those of the utterance itself, its speaker's name included.

    ``turns`` are how many turns around it there was room for, ``cut`` how many sub-words of the
    utterance itself there was none for.
    """

    ids: list[int]
    own: list[bool]
    turns: int
    cut: int


def dialogue_pieces(
    text: str,
    dialogue: Dialogue,
    speakers: bool,
    limit: int,
    marks: Marks,
    pieces: Callable[[str], list[int]],
) -> DialoguePieces:
    """The utterance ``text`` with as many turns of ``dialogue`` as ``limit`` sub-words hold.

    The nearest turns come first, by turns before and behind; on each side the first that does not
    fit ends it. ``pieces`` gives the sub-words of a text without marks.
    """

    def spoken(turn: Turn) -> list[int]:
        return pieces(written(turn, speakers))

    room = limit - len(marks.start) - len(marks.end)
    whole = spoken(Turn(dialogue.speaker, text))
    own = whole[: max(0, room)]
    room -= len(own)
    before, after = _fitting(dialogue, spoken, room, len(marks.between))
    earlier = [piece for turn in reversed(before) for piece in turn]
    later = [piece for turn in after for piece in turn]
    head = marks.start + (earlier + marks.between if before else [])
    tail = (marks.between + later if after else []) + marks.end
    ids = [*head, *own, *tail]
    flags = [False] * len(head) + [True] * len(own) + [False] * len(tail)
    return DialoguePieces(ids, flags, len(before) + len(after), len(whole) - len(own))


def written(turn: Turn, speakers: bool) -> str:
    """A turn as it is read: "ROSS: I know."; without the name where it is unknown or unwanted."""
    text = straight_apostrophes(turn.text.strip())
    name = turn.speaker.strip().upper()
    return f"{name}: {text}" if speakers and name else text


def _fitting(
    dialogue: Dialogue, spoken: Callable[[Turn], list[int]], room: int, separator: int
) -> tuple[list[list[int]], list[list[int]]]:
    """The turns before and behind for which there is room, each side from the nearest on."""
    sides: tuple[list[list[int]], list[list[int]]] = ([], [])
    open_sides = {0, 1}
    for pair in zip_longest(reversed(dialogue.before), dialogue.after):
        for side, turn in enumerate(pair):
            if turn is None or side not in open_sides:
                continue
            turn_pieces = spoken(turn)
            needed = len(turn_pieces) + (0 if sides[side] else separator)
            if needed > room:
                open_sides.discard(side)
                continue
            sides[side].append(turn_pieces)
            room -= needed
    return sides


def room_note(dialogue: Dialogue, pieces: DialoguePieces, limit: int) -> Sequence[str]:
    """For the index: turns that were left out."""
    turns = len(dialogue.before) + len(dialogue.after)
    if pieces.turns == turns:
        return ()
    return (f"{pieces.turns} of {turns} turns of context within {limit} sub-words",)
