"""The turns around an utterance: for extractors that read them, and in the digest of its content.

A corrected neighbour changes what is extracted, so the utterance counts as changed too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Protocol, runtime_checkable

from mmser.cache.fingerprint import canonical, text_digest
from mmser.core.clip import Dialogue, Failure, Transcript, Turn
from mmser.core.contracts import Extractor
from mmser.core.utterance import Utterance

Words = Callable[[Utterance], Transcript | Failure | None]

Around = tuple[Sequence[Utterance], Sequence[Utterance]]
"""The utterances before one, and after it, in the order of their turns."""


@runtime_checkable
class DialogueReader(Protocol):
    """A text extractor that also reads `Clip.dialogue`."""

    @property
    def turns(self) -> tuple[int, int] | None:
        """How many turns before an utterance, and after it, it reads at most.

        (0, 0): of the dialogue, the utterance's own speaker alone; None: nothing.
        """
        ...


def turns_of(extractor: Extractor) -> tuple[int, int] | None:
    """How many turns before and after an utterance an extractor reads; None: no dialogue at all."""
    return extractor.turns if isinstance(extractor, DialogueReader) else None


class Dialogues:
    """Utterances by dialogue.

    One that the corpus puts into no dialogue has no turns around it.
    """

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._utterances = utterances

    @cached_property
    def _speakers(self) -> dict[str, str]:
        return {utterance.id: utterance.speaker for utterance in self._utterances}

    @cached_property
    def _places(self) -> dict[str, tuple[list[Utterance], int]]:
        """The dialogue of each utterance, and where in it. Most extractors read no dialogue."""
        dialogues: dict[tuple[str, str], list[Utterance]] = {}
        for utterance in self._utterances:
            if utterance.dialogue:
                key = utterance.session, utterance.dialogue
                dialogues.setdefault(key, []).append(utterance)
        places: dict[str, tuple[list[Utterance], int]] = {}
        for turns in dialogues.values():
            # Stable: turns that share a number keep the order of the corpus.
            turns.sort(key=lambda utterance: (utterance.turn, utterance.start or 0.0))
            places |= {utterance.id: (turns, at) for at, utterance in enumerate(turns)}
        return places

    def around(self, identifier: str, turns: tuple[int, int]) -> Around:
        """At most ``turns`` utterances before the one of that id, and after it."""
        whole, at = self._places.get(identifier, ([], 0))
        before, after = turns
        return whole[max(0, at - before) : at], whole[at + 1 : at + 1 + after]

    def with_neighbours(
        self, utterances: Sequence[Utterance], turns: tuple[int, int]
    ) -> list[Utterance]:
        """``utterances``, then those around them that are not among them."""
        if not any(turns):
            return list(utterances)
        found = {utterance.id: utterance for utterance in utterances}
        for utterance in utterances:
            for side in self.around(utterance.id, turns):
                for neighbour in side:
                    found.setdefault(neighbour.id, neighbour)
        return list(found.values())

    def digests(
        self,
        utterances: Sequence[Utterance],
        digests: Mapping[str, str],
        turns: tuple[int, int],
    ) -> dict[str, str]:
        """``digests`` of ``utterances`` joined by those of the turns around them, with speakers.

        ``digests`` hold the neighbours' too.
        """
        joined = {}
        for utterance in utterances:
            parts = [
                [[neighbour.speaker, digests[neighbour.id]] for neighbour in side]
                for side in self.around(utterance.id, turns)
            ]
            content = [digests[utterance.id], utterance.speaker, *parts]
            joined[utterance.id] = text_digest(canonical(content))
        return joined

    def dialogue(self, identifier: str, turns: tuple[int, int], words: Words) -> Dialogue:
        """What surrounds an utterance, spoken in ``words``; turns without any are left out."""
        before, after = self.around(identifier, turns)
        speaker = self._speakers.get(identifier, "")
        return Dialogue(speaker, _spoken(before, words), _spoken(after, words))


def _spoken(utterances: Sequence[Utterance], words: Words) -> tuple[Turn, ...]:
    turns = []
    for utterance in utterances:
        transcript = words(utterance)
        if isinstance(transcript, Transcript) and transcript.text.strip():
            turns.append(Turn(utterance.speaker, transcript.text))
    return tuple(turns)
