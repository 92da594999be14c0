"""CMU PocketSphinx: a small, weak recogniser that needs no download.

Its wheel carries its own English model. Word times come in frames of 10 ms; the confidence of a
word is its posterior probability in the lattice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Transcript
from mmser.core.errors import MmserError
from mmser.core.utterance import Word
from mmser.media.silence import is_silent

if TYPE_CHECKING:
    from pocketsphinx import Decoder

FRAMES_PER_SECOND = 100
NO_WORD = re.compile(r"[<\[+(]")
"""Fillers of the lattice: ``<s>``, ``<sil>``, ``[NOISE]``."""
VARIANT = re.compile(r"\(\d+\)$")
"""Mark of a second pronunciation: ``the(2)``."""


class PocketSphinx:
    """The bundled American English acoustic model, dictionary and trigram language model."""

    name = "pocketsphinx"

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def parameters(self) -> Mapping[str, Any]:
        """Raises MmserError when the package is not installed."""
        _require()
        from importlib.metadata import version

        return {"transcriber": self.name, "model": "en-us", "version": version("pocketsphinx")}

    def transcribe(self, waveforms: Sequence[np.ndarray]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz in [-1, 1], one after the other.

        Raises MmserError when the package is not installed.
        """
        if self._decoder is None:
            self._decoder = _decoder()
        return [self._transcribe(self._decoder, waveform) for waveform in waveforms]

    def _transcribe(self, decoder: Decoder, waveform: np.ndarray) -> Transcript:
        if is_silent(waveform):
            return Transcript("", self.name)
        # The noise estimate of the front end runs on from one utterance to the next unless it is
        # set up anew.
        decoder.reinit_feat()
        decoder.start_utt()
        pcm = np.clip(np.round(waveform * 32768.0), -32768, 32767).astype(np.int16)
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
        segments = list(decoder.seg()) if decoder.hyp() else []
        words = tuple(_word(segment) for segment in segments if not NO_WORD.match(segment.word))
        return Transcript(" ".join(word.text for word in words), self.name, words)


def _word(segment: Any) -> Word:
    """A word of the lattice; ``prob`` is its posterior probability."""
    return Word(
        text=VARIANT.sub("", segment.word),
        start=segment.start_frame / FRAMES_PER_SECOND,
        end=(segment.end_frame + 1) / FRAMES_PER_SECOND,
        confidence=segment.prob,
    )


def _require() -> None:
    try:
        import pocketsphinx  # noqa: F401
    except ModuleNotFoundError as error:
        raise MmserError(
            "the speech recogniser PocketSphinx",
            "no package pocketsphinx",
            "Run: pip install 'mmser[pocketsphinx]'",
        ) from error


def _decoder() -> Decoder:
    _require()
    from pocketsphinx import Decoder

    # Means over the utterance itself: with the default, running ones, a transcript would depend on
    # those before it.
    return Decoder(samprate=SAMPLE_RATE, cmn="batch", loglevel="FATAL")
