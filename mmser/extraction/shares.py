"""Shares of the plan for machines that know nothing of each other.

They are a function of the manifest alone. A share is whole chunks of the plan, because the clips
of a chunk are computed together: so each share gives the bytes that one process would have given.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from mmser.core.share import Share
from mmser.core.utterance import Utterance
from mmser.extraction.plan import CHUNK, chunks, media_key

NEAR = 0.25
"""How far from an even division a cut may lie to fall between two media files, in shares."""


def share_of(plan: Sequence[Utterance], share: Share) -> Sequence[Utterance]:
    """Consecutive utterances of the plan: all shares together are the plan, each utterance once.

    A cut falls between two files where one of the chunks near it ends there; otherwise two shares
    open that file, and each decodes its own utterances of it. A share of few utterances may be
    empty.
    """
    cuts = _cuts(plan, share.count)
    return plan[cuts[share.number - 1] : cuts[share.number]]


def whole_chunks(plan: Sequence[Utterance], utterances: Sequence[Utterance]) -> list[Utterance]:
    """The chunks of the plan that hold any of the ``utterances``."""
    wanted = {utterance.id for utterance in utterances}
    whole: list[Utterance] = []
    for chunk in chunks(plan):
        if any(utterance.id in wanted for utterance in chunk):
            whole += chunk
    return whole


def _cuts(plan: Sequence[Utterance], count: int) -> list[int]:
    """Where the shares begin, and the end of the plan."""
    before = [0.0, *accumulate(_amounts(plan))]
    ends = [*range(0, len(plan), CHUNK), len(plan)]
    between = [at for at in ends if _is_between_files(plan, at)]
    even = before[-1] / count
    cuts = [0]
    for number in range(1, count):
        cut = _nearest(between, before, number * even)
        if abs(before[cut] - number * even) > NEAR * even:
            cut = _nearest(ends, before, number * even)
        cuts.append(max(cut, cuts[-1]))
    return [*cuts, len(plan)]


def _amounts(plan: Sequence[Utterance]) -> list[float]:
    """Seconds of each utterance where the corpus gives the times of all, else 1 for each."""
    seconds = [
        utterance.end - utterance.start
        for utterance in plan
        if utterance.start is not None and utterance.end is not None
    ]
    if len(seconds) < len(plan) or min(seconds, default=0.0) <= 0.0:
        return [1.0] * len(plan)
    return seconds


def _is_between_files(plan: Sequence[Utterance], at: int) -> bool:
    return at in (0, len(plan)) or media_key(plan[at - 1]) != media_key(plan[at])


def _nearest(places: Sequence[int], before: Sequence[float], amount: float) -> int:
    """The place with nearly this ``amount`` before it; the earlier one of two as near."""
    at = bisect_left(places, amount, key=before.__getitem__)
    around = places[max(0, at - 1) : at + 1]
    return min(around, key=lambda place: abs(before[place] - amount))
