"""Transcripts with a requested word error rate."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mmser.core.clip import Transcript
from mmser.core.errors import UsageError
from mmser.core.utterance import Word
from mmser.core.words import normalise_word, spoken_words
from mmser.evaluation.stress.words.word_confusions import Confusions
from mmser.metrics.wer import word_errors

HIGHEST = 0.9
"""Beyond it nothing of the reference is left to be wrong about."""

TOLERANCE = 0.005
ROUNDS = 6


def corrupted(
    transcripts: Mapping[str, Transcript],
    wer: float,
    confusions: Confusions,
    draw: int = 0,
    seed: int = 0,
) -> tuple[dict[str, Transcript], float]:
    """The transcripts with errors as ``confusions`` makes them, and the rate achieved over all.

    The rate is approached within `TOLERANCE` where there are words enough; what was achieved is
    measured by `mmser.metrics.wer`. Errors depend on (seed, draw, utterance id) and the rate alone;
    a word that is wrong at one rate is wrong at every higher one. An utterance that loses every
    word has an empty text: a missing modality. Raises UsageError for a rate outside [0, `HIGHEST`].
    """
    if not 0 <= wer <= HIGHEST:
        raise UsageError(f"a word error rate between 0 and {HIGHEST}", f"{wer}", "Correct it.")
    references = [transcript.text for transcript in transcripts.values()]
    intensity, results, achieved = wer, dict(transcripts), 0.0
    most = 1.0 / max(confusions.shares[0] + confusions.shares[1], confusions.shares[2], 1e-9)
    for _ in range(ROUNDS if wer else 0):
        results = {
            identifier: _with_errors(
                transcript, intensity, confusions, _generator(identifier, draw, seed)
            )
            for identifier, transcript in transcripts.items()
        }
        achieved = word_errors(
            references, [transcript.text for transcript in results.values()]
        ).rate
        if abs(achieved - wer) <= TOLERANCE or not achieved:
            break
        # Errors side by side cancel in the best alignment (deleted + inserted = substituted): ask
        # for more.
        intensity = min(most, intensity * wer / achieved)
    return results, achieved


def _generator(identifier: str, draw: int, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, draw, zlib.crc32(identifier.encode())])


def _with_errors(
    transcript: Transcript, intensity: float, confusions: Confusions, generator: np.random.Generator
) -> Transcript:
    """One transcript; the same numbers are drawn for a word at every intensity."""
    spoken = spoken_words(transcript.text)
    times: list[Word | None] = (
        list(transcript.words) if len(transcript.words) == len(spoken) else [None] * len(spoken)
    )
    wrong, dropped, added = (share * intensity for share in confusions.shares)
    words_so_far: list[tuple[str, Word | None]] = []
    for text, time in zip(spoken, times, strict=True):
        error, pick, insertion, choice = generator.random(4)
        if error < wrong:
            text = confusions.substitute(normalise_word(text), pick) or ""
        elif error < wrong + dropped:
            text = ""
        if text:
            words_so_far.append((text, time))
        extra = confusions.insert(choice) if insertion < added else None
        if extra:
            words_so_far += _inserted(extra, time, words_so_far if text else [])
    words = tuple(replace(time, text=text) for text, time in words_so_far if time is not None)
    return Transcript(" ".join(text for text, _ in words_so_far), transcript.source, words)


def _inserted(
    text: str, time: Word | None, words_so_far: list[tuple[str, Word | None]]
) -> list[tuple[str, Word | None]]:
    """The inserted word, which takes the second half of the time of the word before it."""
    if time is None:
        return [(text, None)]
    middle = (time.start + time.end) / 2
    if words_so_far:
        words_so_far[-1] = (words_so_far[-1][0], replace(time, end=middle))
    return [(text, replace(time, start=middle))]
