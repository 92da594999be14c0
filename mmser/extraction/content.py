"""Digests of the contents that features are made from.

By them changed media are extracted anew and unchanged ones never.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from mmser.cache.atomic import file_digest
from mmser.cache.fingerprint import canonical, text_digest
from mmser.core.clip import SAMPLE_RATE, Modality
from mmser.core.utterance import Utterance

HEAD_BYTES = 4096

MISSING = "missing"
"""Stands for the content of a file that is not there, so that a file that appears later counts as
changed.
"""

SOUND = "sound 2"
"""Marks sound that was once decoded to other values: by another filter between sample rates,
another down-mix.
"""


class Contents:
    """Digests per utterance and modality.

    Every file is read at most once, whole, several at a time.
    """

    def __init__(self, workers: int = 2) -> None:
        self.workers = max(1, workers)
        # By path as text, which is compared faster than a path.
        self._files: dict[str, str] = {}
        self._marks: dict[str, list[str]] = {}

    def of(self, utterances: Sequence[Utterance], modality: Modality) -> dict[str, str]:
        """{utterance id: digest} of the sound, the pictures, or the corpus's own words."""
        if modality == "text":
            return {utterance.id: _words_digest(utterance) for utterance in utterances}
        paths = [_path(utterance, modality) for utterance in utterances]
        self._read(str(path) for path in paths if path)
        return {utterance.id: self._media_digest(utterance, modality) for utterance in utterances}

    def of_speech(self, utterances: Sequence[Utterance], told: bool) -> dict[str, str]:
        """{utterance id: digest} of what transcripts are made from.

        It is the sound, and the corpus's own words where they are ``told``.
        """
        sound = self.of(utterances, "audio")
        if not told:
            return sound
        words = self.of(utterances, "text")
        return {key: text_digest(canonical([sound[key], words[key]])) for key in sound}

    def _read(self, paths: Iterable[str]) -> None:
        new = [path for path in dict.fromkeys(paths) if path not in self._files]
        with ThreadPoolExecutor(self.workers, thread_name_prefix="digest") as pool:
            self._files.update(zip(new, pool.map(_digest, new), strict=True))

    def _media_digest(self, utterance: Utterance, modality: Modality) -> str:
        path = _path(utterance, modality)
        file = self._files[str(path)] if path else MISSING
        start, end, side = utterance.start, utterance.end, utterance.face_side
        mark: list[str] = []
        if modality == "audio":
            side = None
            mark = self._mark(str(path)) if path else []
            if utterance.audio_path is not None and _has_own_audio(utterance):
                start = end = None
        return text_digest(canonical([file, start, end, side, *mark]))

    def _mark(self, path: str) -> list[str]:
        if path not in self._marks:
            self._marks[path] = [] if _always_as_now(Path(path)) else [SOUND]
        return self._marks[path]


def _has_own_audio(utterance: Utterance) -> bool:
    """A separate audio file belongs to its utterance as a whole (see `mmser.media.decode`)."""
    return utterance.video_path not in (None, utterance.audio_path)


def _path(utterance: Utterance, modality: Modality) -> Path | None:
    return (
        utterance.video_path if modality == "face" else utterance.audio_path or utterance.video_path
    )


def _digest(path: str) -> str:
    try:
        return file_digest(Path(path))
    except OSError:
        return MISSING


def _always_as_now(path: Path) -> bool:
    """Whether every version of the decoder gives the same sound of this file.

    It does for a wav of 16 kHz, mono or stereo. The header is read here, so that no decoder runs in
    this process.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return True
    at = head.find(b"fmt ")
    if head[:4] != b"RIFF" or at < 0 or len(head) < at + 16:
        return False
    channels, rate = struct.unpack_from("<HI", head, at + 10)
    return rate == SAMPLE_RATE and channels <= 2


def _words_digest(utterance: Utterance) -> str:
    words = [asdict(word) for word in utterance.words]
    return text_digest(json.dumps([utterance.transcript, words], sort_keys=True))
