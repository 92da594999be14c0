"""Speech with word times from espeak-ng, in the library of the wheel ``espeakng-loader``."""

from __future__ import annotations

import _ctypes
import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError
from mmser.core.utterance import Word

SYNCHRONOUS, DONT_EXIT, CHARS_UTF8 = 2, 0x8000, 1
RATE, PITCH, RANGE = 1, 3, 4
TERMINATOR, WORD = 0, 1
AUDIBLE = 0.01
"""Amplitude that ends the silence around an utterance."""
LEVEL = 0.08
"""Root mean square amplitude of an utterance of loudness 1."""


@dataclass(frozen=True, slots=True)
class Manner:
    """A manner of speaking: words per minute, pitch and its range (0 to 99), loudness factor."""

    rate: int = 175
    pitch: int = 50
    range: int = 50
    loudness: float = 1.0


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h; the last field stands for a union of 8 bytes."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@contextmanager
def _fresh_library() -> Iterator[tuple[Any, int]]:
    """The library, initialised, and its sample rate in Hz; raises MmserError when the wheel is
    absent or unusable.

    Its noise generator starts from the clock and its phases go on from one utterance to the next,
    so it is seeded, and unloaded after each: what is said then depends on the words alone, not on
    when or after what it was said.
    """
    try:
        import espeakng_loader
    except ModuleNotFoundError as error:
        raise MmserError(
            "the speech synthesiser espeak-ng",
            "no package espeakng-loader",
            "Run: pip install 'mmser[demo]'",
        ) from error
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    path = espeakng_loader.get_data_path()
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, str(path).encode(), DONT_EXIT)
    if rate <= 0:
        raise MmserError(
            "espeak-ng voices",
            f"none that it can read in {path}",
            "Use a shorter installation path.",
        )
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    library.espeak_Synth.argtypes = (
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
        ctypes.c_void_p, ctypes.c_void_p,
    )  # fmt: skip
    try:
        yield library, rate
    finally:
        library.espeak_Terminate()
        unload = getattr(_ctypes, "dlclose", None) or getattr(_ctypes, "FreeLibrary", None)
        if unload:
            unload(library._handle)


def speak(text: str, voice: str, manner: Manner) -> tuple[np.ndarray, tuple[Word, ...]]:
    """Say ``text`` in an espeak-ng voice such as ``en-us+m3``.

    Returns the waveform (sample,) float32 mono at 16 kHz without silence around it, and each word
    of ``text`` (split at spaces) with its times in seconds. Raises MmserError for an unknown voice.
    """
    with _fresh_library() as (library, rate):
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise MmserError("a voice of espeak-ng", f"'{voice}'", "Choose one such as en-us+f2.")
        for parameter, value in ((RATE, manner.rate), (PITCH, manner.pitch), (RANGE, manner.range)):
            library.espeak_SetParameter(parameter, value, 0)
        samples, starts = _synthesise(library, text)
    raw = samples.astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(raw) > AUDIBLE)
    first, last = int(loud[0]), int(loud[-1]) + 1
    waveform = _resample(raw[first:last], rate)
    waveform *= LEVEL * manner.loudness / np.sqrt(np.mean(waveform**2))
    return np.clip(waveform, -1, 1), _word_times(text, starts, first, last, rate)


def _word_times(
    text: str, starts: dict[int, int], first: int, last: int, rate: int
) -> tuple[Word, ...]:
    """Times of the words; where the voice joins two, in proportion to their letters."""
    positions = [*sorted(starts), len(text) + 1]
    samples = [*(min(max(starts[at], first), last) for at in sorted(starts)), last]
    begins = [match.start() + 1 for match in re.finditer(r"\S+", text)]
    edges = (np.interp([*begins, len(text) + 1], positions, samples) - first) / rate
    return tuple(
        Word(token, float(edges[n]), float(edges[n + 1])) for n, token in enumerate(text.split())
    )


def _synthesise(library: Any, text: str) -> tuple[np.ndarray, dict[int, int]]:
    """Samples (int16) of ``text`` and the first sample of the word at each text position."""
    pieces: list[np.ndarray] = []
    starts: dict[int, int] = {}

    def collect(wave: Any, count: int, events: Any) -> int:
        if count > 0 and wave:
            pieces.append(np.ctypeslib.as_array(wave, shape=(count,)).copy())
        number = 0
        while events[number].type != TERMINATOR:
            if events[number].type == WORD:
                starts.setdefault(events[number].text_position, events[number].sample)
            number += 1
        return 0

    callback = _CALLBACK(collect)
    library.espeak_SetSynthCallback(callback)
    data = text.encode() + b"\0"
    library.espeak_Synth(data, len(data), 0, 1, 0, CHARS_UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(pieces), starts


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    from math import gcd

    from scipy.signal import resample_poly

    common = gcd(rate, SAMPLE_RATE)
    return resample_poly(samples, SAMPLE_RATE // common, rate // common).astype(np.float32)
