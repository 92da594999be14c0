"""Small corpora in the layouts that the tutorials speak of, under the names that they use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.corpora.iemocap import Iemocap
from mmser.corpora.meld import Meld
from mmser.corpora.synthetic.corpus import Synthetic
from mmser.media.write import write_wav


def tone(number: int) -> np.ndarray:
    """Half a second, another pitch and loudness for each number."""
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    wave = (0.1 + 0.02 * (number % 7)) * np.sin(2 * np.pi * (200 + 37 * number) * time)
    return wave.astype(np.float32)


def write_recordings(folder: Path) -> None:
    """`happy_anna_1.wav` ...: three speakers, three emotions, twice."""
    names = [
        f"{emotion}_{speaker}_{n}.wav"
        for speaker in ("anna", "ben", "cleo")
        for emotion in ("joy", "sad", "anger")
        for n in (1, 2)
    ]
    _write_tones(folder, names)


def write_ravdess(folder: Path) -> None:
    """Four actors, one of each of the four groups of six; three emotions, both sentences."""
    names = [
        f"Actor_{actor:02d}/03-01-{emotion:02d}-02-{sentence:02d}-01-{actor:02d}.wav"
        for actor in (1, 2, 3, 5)
        for emotion in (3, 4, 5)
        for sentence in (1, 2)
    ]
    _write_tones(folder, names)


def write_emovo(folder: Path) -> None:
    """Two actors, three emotions."""
    names = [f"{s}/{word}-{s}-b1.wav" for s in ("f1", "m1") for word in ("gio", "neu", "rab")]
    _write_tones(folder, names)


def write_iemocap(folder: Path) -> None:
    """Ten speakers in five sessions, two sentences each."""
    Synthetic(folder, Iemocap, layout="iemocap", utterances_per_speaker=2).write()


def write_meld(folder: Path) -> None:
    """Ten speakers, an utterance each, over the corpus's parts."""
    Synthetic(folder, Meld, layout="meld", utterances_per_speaker=1).write()


CORPORA = {
    "recordings": write_recordings,
    "RAVDESS": write_ravdess,
    "EMOVO": write_emovo,
    "IEMOCAP_full_release": write_iemocap,
    "MELD.Raw": write_meld,
}
"""Name of the folder on the pages: who writes it."""


def _write_tones(folder: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_wav(folder / name, tone(number))
