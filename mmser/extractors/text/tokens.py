"""Sub-word ids of a checkpoint's tokenizer, for text encoders that are fine-tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Dialogue, Failure, Features, Modality, Transcript
from mmser.core.contracts import StreamKind
from mmser.core.weights import Weights
from mmser.core.words import spoken_words
from mmser.extractors.arguments import LATER, WITHOUT_EFFECT, arguments
from mmser.extractors.clips.outcomes import each_transcript, transcript_of
from mmser.extractors.transcripts.dialogue_pieces import dialogue_pieces, room_note
from mmser.extractors.transcripts.pieces import (
    CUT,
    Tokenizer,
    cut_note,
    piece_spans,
    tokenizer_of,
)
from mmser.extractors.transcripts.word_spans import spans_of


@dataclass(frozen=True)
class Tokens:
    """transcript -> words as written -> sub-word ids with start and end mark, (sub-word,) int32.

    With ``context``, ``later`` or ``speakers`` the utterance stands among the turns around it
    (`mmser.extractors.transcripts.dialogue_pieces`), and each sub-word has a second number, 1 where
    it is the utterance's own: (sub-word, 2), without times. The text is then read as it is written.

    Args:
        weights: folder of a checkpoint, hub id, or ``random``: pieces of up to four characters
            hashed into 8192 ids, for networks that are trained from scratch.
        revision: commit of the hub id.
        weights_folder: where downloaded checkpoints are looked for first.
        limit: sub-words kept from the start, marks included; further words are dropped and noted.
            Turns of context are dropped whole, the farthest first.
        context: earlier turns of the dialogue that are read, at most.
        later: later turns that are read, at most.
        speakers: whether each turn opens with its speaker's name in capitals.
    """

    modality: ClassVar[Modality] = "text"
    dtype: ClassVar[str] = "int32"
    gives: ClassVar[StreamKind] = "tokens"
    version: ClassVar[int] = 1
    sample_rate: ClassVar[None] = None

    weights: str = "google-bert/bert-base-uncased"
    revision: str | None = None
    weights_folder: str = field(default="weights", metadata=WITHOUT_EFFECT)
    limit: int = 512
    context: int = field(default=0, metadata=LATER)
    later: int = field(default=0, metadata=LATER)
    speakers: bool = field(default=False, metadata=LATER)

    @property
    def turns(self) -> tuple[int, int] | None:
        """How many turns before and after an utterance are read; None: no dialogue at all."""
        return (self.context, self.later) if self._in_dialogue else None

    @property
    def feature_size(self) -> int:
        """Numbers of each sub-word."""
        return 2 if self._in_dialogue else 1

    @property
    def _in_dialogue(self) -> bool:
        return bool(self.context or self.later or self.speakers)

    @property
    def checkpoint(self) -> Weights:
        """What ``weights`` names."""
        return Weights(self.weights, self.revision, self.weights_folder, "the tokenizer")

    def parameters(self) -> Mapping[str, Any]:
        """Every argument that has an effect, the checkpoint by its digest or commit."""
        return {"extractor": "tokens", **arguments(self), **self.checkpoint.facts}

    def extract(self, clips: Sequence[Clip]) -> list[Features | Failure]:
        """One (sub-word,) int32 array per clip, with spans where words have times.

        (sub-word, 2) without spans where the dialogue is read.
        """
        if not self._in_dialogue:
            return each_transcript(clips, self._features)
        results: list[Features | Failure] = []
        for clip in clips:
            transcript = transcript_of(clip)
            if isinstance(transcript, Failure):
                results.append(transcript)
            else:
                results.append(self._in_context(transcript.text, clip.dialogue))
        return results

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return tokenizer_of(self.checkpoint, by_word=not self._in_dialogue)

    def _features(self, transcript: Transcript) -> Features:
        words = spoken_words(transcript.text)
        pieces = self._tokenizer(words, self.limit)
        owners = np.array(pieces.owners)
        notes = cut_note(int(owners.max(initial=-1)) + 1, len(words))
        spans = spans_of(transcript)
        if spans is not None:
            spans = piece_spans(owners, spans)
        return Features(np.array(pieces.ids, dtype=np.int32), spans=spans, notes=notes)

    def _in_context(self, text: str, dialogue: Dialogue) -> Features:
        tokenizer = self._tokenizer
        # A recording's dialogue holds all its segments.
        near = replace(
            dialogue,
            before=dialogue.before[-self.context :] if self.context else (),
            after=dialogue.after[: self.later],
        )
        pieces = dialogue_pieces(
            text, near, self.speakers, self.limit, tokenizer.marks, tokenizer.bare
        )
        notes = list(room_note(near, pieces, self.limit))
        if pieces.cut:
            own = sum(pieces.own)
            notes.insert(0, f"{CUT} {own} of {own + pieces.cut} sub-words")
        values = np.array([pieces.ids, pieces.own], dtype=np.int32).T
        return Features(np.ascontiguousarray(values), notes="; ".join(notes))
