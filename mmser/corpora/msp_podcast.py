"""MSP-Podcast: turns of podcasts with categorical and dimensional labels (Lotfian and Busso, IEEE TAC 2019).

Layout: ``Labels/labels_consensus.csv`` (``labels_concensus.csv`` in older releases) with the columns FileName,
EmoClass, EmoAct, EmoVal, EmoDom, SpkrID, Gender, Split_Set; ``Audios/MSP-PODCAST_0001_0008.wav``; where held,
``Labels/labels.txt`` with every annotator and ``Transcripts/MSP-PODCAST_0001_0008.txt``. Ratings are on a scale of 1
to 7. Releases differ in size; each has its own Train, Development (or Validation), Test1 and further test sets.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance, Vote
from mmser.corpora.layout import existing_root, read_text, wrong_layout
from mmser.corpora.msp_labels import CLASSES, read_labels

LAYOUT = "MSP-Podcast: Labels/labels_consensus.csv and Audios/MSP-PODCAST_0001_0008.wav"
COLUMNS = ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
PARTS = {"train": "train", "development": "validation", "validation": "validation"}
AUDIO_FOLDERS = ("Audios", "Audio")


class MspPodcast:
    """Every labelled turn; ``test_set`` (Test1, Test2, ...) is the one that becomes the part ``test``.

    Turns of unknown speakers get a speaker of their own each: the release keeps its parts apart by podcast.
    """

    name = "msp_podcast"

    def __init__(self, root: str | Path, test_set: str = "Test1") -> None:
        self.root = root
        self.test_set = test_set

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when the label table, or a column of it, is lacking."""
        root = existing_root(self.root, LAYOUT)
        tables = sorted([*root.rglob("labels_consensus.csv"), *root.rglob("labels_concensus.csv")])
        if not tables:
            raise wrong_layout(root, LAYOUT)
        detailed = tables[0].with_name("labels.txt")
        votes = {clip.stem: tuple(clip.votes) for clip in read_labels(detailed)} if detailed.is_file() else {}
        audio = next((folder for name in AUDIO_FOLDERS for folder in sorted(root.rglob(name)) if folder.is_dir()), None)
        transcripts = next((folder for folder in sorted(root.rglob("Transcripts")) if folder.is_dir()), None)
        for row in _rows(tables[0]):
            yield self._utterance(row, votes, audio, transcripts)

    def _utterance(
        self, row: dict[str, str], votes: dict[str, tuple[Vote, ...]], audio: Path | None, transcripts: Path | None
    ) -> Utterance:
        stem = Path(row["FileName"]).stem
        split = row["Split_Set"].strip()
        part = "test" if split.lower() == self.test_set.lower() else PARTS.get(split.lower(), "")
        speaker = row["SpkrID"].strip()
        gender = row["Gender"].strip().lower()
        return Utterance(
            id=stem,
            corpus=self.name,
            speaker=f"unknown-{stem}" if speaker.lower() in ("", "unknown") else speaker,
            session=stem.rsplit("_", 1)[0],
            dialogue=stem.rsplit("_", 1)[0],
            transcript=_transcript(transcripts, stem),
            language="en",
            gender=gender if gender in ("female", "male") else "",
            part=part,
            audio_path=audio / f"{stem}.wav" if audio else None,
            emotion=CLASSES.get(row["EmoClass"].strip().upper()),
            valence=_number(row["EmoVal"]),
            arousal=_number(row["EmoAct"]),
            dominance=_number(row["EmoDom"]),
            votes=votes.get(stem, ()),
            extra={"split": split},
        )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "an empty file"
        raise MmserError(f"the columns {', '.join(COLUMNS)} in {path}", found, "Get the released label file.")
    yield from reader


def _transcript(folder: Path | None, stem: str) -> str | None:
    path = folder / f"{stem}.txt" if folder else None
    return read_text(path).strip() if path and path.is_file() else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
