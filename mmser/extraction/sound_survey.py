"""What can be heard of a corpus before any feature is made: length, level, silence, clipping."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip
from mmser.core.utterance import Utterance
from mmser.extraction.content import Contents
from mmser.extraction.decoding import clips_in_order
from mmser.extraction.plan import planned, requests
from mmser.extraction.progress import Progress
from mmser.extraction.sound_likeness import SIZE, likeness
from mmser.media.silence import sounding

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("id", "seconds", "level", "quiet", "clipped"),
    *("content", "sound", "failure", "detail"),
)
"""Seconds; RMS level in dB of full scale; share of pauses; stretches cut off at full scale;
digests of the file's part and of the decoded samples; why it could not be read.
"""

FULL_SCALE = 0.99
"""Amplitude from which a sample counts as cut off."""
IN_A_ROW = 3
"""Neighbouring samples at full scale that make a stretch: one alone may be a true peak."""
FLOOR = 1e-6
"""Amplitude that stands for digital zero (-120 dB)."""
STEP = 16
"""Utterances between two signs of progress."""


@dataclass(frozen=True)
class SoundSurvey:
    """``table`` has the `COLUMNS`; row i of ``prints`` is what `likeness` makes of its row i."""

    table: pd.DataFrame
    prints: np.ndarray


def chosen(utterances: Sequence[Utterance], most: int | None, seed: int = 0) -> Sequence[Utterance]:
    """At most so many of the utterances, drawn at random, in their order; None: all."""
    if most is None or len(utterances) <= most:
        return utterances
    places = np.random.default_rng(seed).choice(len(utterances), most, replace=False)
    return [utterances[place] for place in sorted(places.tolist())]


def survey(utterances: Sequence[Utterance], workers: int, progress: bool = True) -> SoundSurvey:
    """Decode the sound of every utterance once and keep its figures alone.

    ``workers`` processes decode (`mmser.extraction.decoding`). A file that cannot be read is a row
    with the reason.
    """
    import pandas as pd

    plan = planned(utterances)
    contents = Contents(workers).of(plan, "audio")
    rows = []
    prints = np.zeros((len(plan), SIZE), dtype=np.float32)
    with (
        Progress("explore", len(plan), progress) as log,
        closing(decoded(plan, workers)) as clips,
    ):
        for place, clip in enumerate(clips):
            rows.append({**_facts(clip), "content": contents[clip.id]})
            if clip.waveform is not None:
                prints[place] = likeness(clip.waveform)
            if (place + 1) % STEP == 0 or place + 1 == len(plan):
                log.step(place % STEP + 1)
    return SoundSurvey(pd.DataFrame(rows, columns=list(COLUMNS)), prints)


def decoded(plan: Sequence[Utterance], workers: int) -> Generator[Clip]:
    """The clips of the utterances in the planned order."""
    ids = {utterance.id for utterance in plan}
    return clips_in_order(requests(plan, {SAMPLE_RATE: ids}, set()), 1.0, workers)


def absent_files(utterances: Sequence[Utterance]) -> list[tuple[str, Path]]:
    """(id, path) of every media file that an utterance names and that is not there."""
    known: dict[str, bool] = {}
    absent = []
    for utterance in utterances:
        for path in dict.fromkeys((utterance.audio_path, utterance.video_path)):
            if path is None:
                continue
            if str(path) not in known:
                known[str(path)] = path.is_file()
            if not known[str(path)]:
                absent.append((utterance.id, path))
    return absent


def _facts(clip: Clip) -> Mapping[str, object]:
    waveform = clip.waveform
    if waveform is None:
        failure = clip.failures[0]
        return {"id": clip.id, "failure": failure.reason, "detail": failure.detail}
    seconds = len(waveform) / SAMPLE_RATE
    power = float(np.mean(np.square(waveform, dtype=np.float64))) if len(waveform) else 0.0
    spans = sounding(waveform)
    heard = float((spans[:, 1] - spans[:, 0]).sum())
    samples = np.round(np.clip(waveform, -1, 1) * 32767).astype("<i2")
    return {
        "id": clip.id,
        "seconds": seconds,
        "level": 10 * np.log10(max(power, FLOOR**2)),
        "quiet": min(max(1 - heard / seconds, 0.0), 1.0) if seconds else 1.0,
        "clipped": _clipped(waveform),
        "sound": hashlib.sha256(samples.tobytes()).hexdigest(),
    }


def _clipped(waveform: np.ndarray) -> int:
    """Stretches of `IN_A_ROW` or more samples at full scale."""
    full = np.abs(waveform) >= FULL_SCALE
    if not full.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], full, [False]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return int(np.sum(lengths >= IN_A_ROW))
