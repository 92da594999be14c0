"""The Protocols of what fills a store of transcripts: a recogniser or an aligner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mmser.core.clip import Transcript
from mmser.core.contracts import Transcriber

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class Aligner(Protocol):
    """Finds when each word of a transcript is said that the corpus gives without times.

    ``parameters`` have the key ``aligner``.
    """

    name: str

    def parameters(self) -> Mapping[str, Any]: ...

    def align(self, waveforms: Sequence[np.ndarray], texts: Sequence[str]) -> list[Transcript]:
        """Waveforms (sample,) float32 mono 16 kHz and what is said in each.

        The texts come back as they are, with one `Word` for each of their `spoken_words`, times in
        order and inside the sound. A word that is not found there has the same start and end.
        """
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A recogniser or an aligner whose model lies on this machine."""

    @property
    def path(self) -> Path | None:
        """The model's file or folder, None where it is not here (yet)."""
        ...


WordSource = Transcriber | Aligner
"""What fills a store of transcripts: one hears the words, the other is told them."""
