"""What media gives to extractors (`Clip`), and they to the cache (`Features` or `Failure`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mmser.core.utterance import Word

SAMPLE_RATE = 16_000
"""Hz; every waveform is mono float32 at this rate unless another one was asked for."""

Modality = Literal["audio", "text", "face"]
FailureReason = Literal[
    "missing file",
    "not a media file",
    "no audio track",
    "no video track",
    "undecodable",
    "truncated",
    "zero length",
    "silence",
    "no face",
    "empty transcript",
    "not finite",
    "too long",
    "decoder died",
    "worker died",
    "extractor error",
]


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one utterance and where they came from ("corpus", "whisper-base", ...).

    ``words`` is empty when no word times are known.
    """

    text: str
    source: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of a conversation: who speaks ("" where that is not known), and the words."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What surrounds a clip in its conversation, for extractors that read it.

    ``speaker`` is the clip's own. ``before`` and ``after`` are in the order of time; turns without
    words are left out.
    """

    speaker: str = ""
    before: tuple[Turn, ...] = ()
    after: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one modality of one utterance could not be had; a row of the failure ledger.

    ``modality`` is None in an extractor's own failure: there it is the extractor's.
    """

    id: str
    reason: FailureReason
    detail: str = ""
    modality: Modality | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One utterance, decoded once.

    ``waveform`` is (sample,) float32 mono at `SAMPLE_RATE`; ``frames`` is (time, height, width, 3)
    uint8 RGB sampled at ``frame_rate`` Hz, of the speaker's half of the picture when the corpus
    shows two people. A modality that could not be decoded is None and ``failures`` says why.
    ``waveforms`` is the same sound by other sample rates (Hz), those that were asked for, each made
    from the file's own rate. ``notes`` tell the user how the clip was decoded ("the channels cancel
    each other in the mix: channel 1 of 2 taken"). ``dialogue`` is given to extractors that
    read it.
    """

    id: str
    waveform: np.ndarray | None = None
    frames: np.ndarray | None = None
    frame_rate: float | None = None
    transcript: Transcript | None = None
    failures: tuple[Failure, ...] = ()
    waveforms: Mapping[int, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dialogue: Dialogue = Dialogue()

    def sound(self, sample_rate: int = SAMPLE_RATE) -> np.ndarray | None:
        """(sample,) float32 mono at ``sample_rate`` Hz.

        None where it could not be decoded, or was not asked for.
        """
        return self.waveform if sample_rate == SAMPLE_RATE else self.waveforms.get(sample_rate)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What one extractor made of one clip.

    ``values`` is (time, *feature). Row t covers ``[t, t + 1] / frame_rate`` seconds, or
    ``spans[t]`` = (start, end) in seconds where rows are not evenly spaced (words); ``spans`` is
    (time, 2) float32 or None. Text without word times has neither. ``notes`` are facts for the
    index ("3 faces in 2 frames"), never needed to read the values.
    """

    values: np.ndarray
    frame_rate: float | None = None
    spans: np.ndarray | None = None
    notes: str = ""
