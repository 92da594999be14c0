"""What a corpus parser hands on: one `Utterance` per labelled stretch of speech of one speaker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

FaceSide = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word with its time span in seconds from the start of the utterance.

    A word whose end is its start has no time of its own: nobody knows when, or whether, it is said.
    """

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Vote:
    """One annotator's judgement of one utterance; an attribute that was not judged is None."""

    annotator: str
    emotions: tuple[str, ...] = ()
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech by one speaker, where its media lie and how it was labelled.

    ``start`` and ``end`` are seconds inside ``video_path`` (and inside ``audio_path`` when both
    name the same file); None means the whole file. ``audio_path`` alone is enough for audio,
    ``video_path`` alone may carry both. ``emotion`` is the corpus's own consensus word (before any
    protocol maps it), None without agreement. ``valence``, ``arousal`` and ``dominance`` keep the
    corpus's own scale. ``part`` is the corpus's own partition. ``extra`` holds facts that only some
    corpora know (intensity, take, scenario); the manifest gives each a column.
    """

    id: str
    corpus: str
    speaker: str
    session: str = ""
    dialogue: str = ""
    turn: int = 0
    start: float | None = None
    end: float | None = None
    transcript: str | None = None
    words: tuple[Word, ...] = ()
    language: str = ""
    gender: str = ""
    part: str = ""
    audio_path: Path | None = None
    video_path: Path | None = None
    face_side: FaceSide | None = None
    emotion: str | None = None
    sentiment: str | None = None
    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None
    votes: tuple[Vote, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict, hash=False)
