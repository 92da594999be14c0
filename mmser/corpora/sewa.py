"""SEWA as the AVEC challenges of 2017 to 2019 ship it: video chats, traced in arousal, valence and
liking at 10 Hz.

Layout: ``labels/<name>.csv`` (``name;timestamp;arousal;valence;liking``) with the names
``Train_01``, ``Devel_01``, ... (2017, German) or ``Train_DE_01``, ``Devel_HU_14``, ``Test_CN_03``
(2018 and 2019); beside it folders of features or recordings by the same names. The test split comes
without labels, and the media come only with a licence of their own.

A recording is an utterance of one subject. The traces themselves are read as a stream of the run:
``preprocess/import_features.py sewa DIR traces DIR/labels --modality labels`` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.corpora.avec_csv import Track, read_folder
from mmser.corpora.layout import (
    AUDIO_SUFFIXES,
    VIDEO_SUFFIXES,
    existing_root,
    media_files,
    unpacked,
    wrong_layout,
)

LAYOUT = (
    "SEWA (AVEC): labels/Train_DE_01.csv and the like, beside folders of features or recordings"
)
NAME = re.compile(r"(Train|Devel|Test)_(?:([A-Z]{2})_)?(\d+)")
SPLITS = {"Train": "train", "Devel": "validation", "Test": "test"}
LANGUAGES = {"DE": "de", "HU": "hu", "CN": "zh", None: "de"}
VALUES = ("arousal", "valence", "liking")


class Sewa:
    """Every recording of any folder; its values are the means of its traces.

    They are missing in the test split, which has no labels.
    """

    name = "sewa"

    def __init__(self, root: str | Path) -> None:
        self.root = root

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when ``labels`` is missing, or a file of it is faulty or misnamed."""
        root = existing_root(self.root, LAYOUT)
        labels = unpacked(unpacked(root) / "labels")
        if not labels.is_dir():
            raise wrong_layout(root, LAYOUT)
        traces = read_folder(labels, gold=True)
        for name in traces:
            if not NAME.fullmatch(name):
                expected = "recordings named as Train_01 or Devel_DE_01"
                raise MmserError(expected, f"{name} in {traces[name].path}", "Rename it.")
        audio = dict(reversed(_files(root, AUDIO_SUFFIXES)))  # reversed: the first of a name wins
        video = dict(reversed(_files(root, VIDEO_SUFFIXES)))
        features = dict(_files(root, (".csv",)))
        for name in sorted({*traces, *audio, *video, *features}):
            yield self._utterance(name, traces.get(name), audio.get(name), video.get(name))

    def _utterance(
        self, name: str, trace: Track | None, audio: Path | None, video: Path | None
    ) -> Utterance:
        split, culture, _ = NAME.fullmatch(name).groups()  # type: ignore[union-attr]  # only such names come here
        means = _means(trace)
        return Utterance(
            id=name,
            corpus=self.name,
            speaker=name,
            language=LANGUAGES.get(culture, culture.lower() if culture else ""),
            part=SPLITS[split],
            audio_path=audio,
            video_path=video,
            arousal=means.get("arousal"),
            valence=means.get("valence"),
            extra={"liking": f"{means['liking']:.6f}"} if "liking" in means else {},
        )


def _means(trace: Track | None) -> dict[str, float]:
    """Mean over the labelled frames of each value; one without any is left out."""
    if trace is None:
        return {}
    columns = zip(trace.attributes, trace.values.T, strict=True)
    labelled = {value: column[np.isfinite(column)] for value, column in columns if value in VALUES}
    return {value: float(column.mean()) for value, column in labelled.items() if len(column)}


def _files(root: Path, suffixes: tuple[str, ...]) -> list[tuple[str, Path]]:
    """(recording, file) of everything below the root that is named as a recording."""
    return [(path.stem, path) for path in media_files(root, suffixes) if NAME.fullmatch(path.stem)]
