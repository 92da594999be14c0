"""Digests of what features are made from, so that changed media are extracted anew and unchanged ones never."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from mmser.cache.atomic import file_digest
from mmser.cache.fingerprint import canonical, text_digest
from mmser.core.clip import Modality
from mmser.core.utterance import Utterance

MISSING = "missing"
"""Stands for the content of a file that is not there, so that a file that appears later counts as changed."""


class Contents:
    """Digests per utterance and modality; every file is read at most once, whole, several at a time."""

    def __init__(self, workers: int = 2) -> None:
        self.workers = max(1, workers)
        self._files: dict[Path, str] = {}

    def of(self, utterances: Sequence[Utterance], modality: Modality) -> dict[str, str]:
        """{utterance id: digest} of the sound, the pictures, or the corpus's own words."""
        if modality == "text":
            return {utterance.id: _words_digest(utterance) for utterance in utterances}
        self._read(path for path in (_path(utterance, modality) for utterance in utterances) if path)
        return {utterance.id: self._media_digest(utterance, modality) for utterance in utterances}

    def _read(self, paths: Iterable[Path]) -> None:
        new = [path for path in dict.fromkeys(paths) if path not in self._files]
        with ThreadPoolExecutor(self.workers, thread_name_prefix="digest") as pool:
            self._files.update(zip(new, pool.map(_digest, new), strict=True))

    def _media_digest(self, utterance: Utterance, modality: Modality) -> str:
        path = _path(utterance, modality)
        side = utterance.face_side if modality == "face" else None
        whole = modality == "audio" and utterance.audio_path is not None and _has_own_audio(utterance)
        start, end = (None, None) if whole else (utterance.start, utterance.end)
        return text_digest(canonical([self._files[path] if path else MISSING, start, end, side]))


def _has_own_audio(utterance: Utterance) -> bool:
    """A separate audio file belongs to its utterance as a whole (see `mmser.media.decode`)."""
    return utterance.video_path not in (None, utterance.audio_path)


def _path(utterance: Utterance, modality: Modality) -> Path | None:
    return utterance.video_path if modality == "face" else utterance.audio_path or utterance.video_path


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError:
        return MISSING


def _words_digest(utterance: Utterance) -> str:
    words = [asdict(word) for word in utterance.words]
    return text_digest(json.dumps([utterance.transcript, words], sort_keys=True))
