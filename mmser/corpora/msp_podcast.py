"""MSP-Podcast: turns of podcasts with categorical and dimensional labels (Lotfian and Busso, IEEE
TAC 2019).

Layout: ``Labels/labels_consensus.csv`` (``labels_concensus.csv`` in older releases) with the
columns FileName, EmoClass, EmoAct, EmoVal, EmoDom, SpkrID, Gender, Split_Set;
``Audios/MSP-PODCAST_0001_0008.wav``; where held, ``Labels/labels.txt`` with every annotator and
``Transcripts/MSP-PODCAST_0001_0008.txt``. Ratings are on a scale of 1 to 7. Releases differ in
size; each has its own Train, Development (or Validation), Test1 and further test sets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mmser.core.folders import files_below
from mmser.core.utterance import Utterance, Vote
from mmser.corpora.layout import (
    AUDIO_SUFFIXES,
    existing_root,
    inside,
    named,
    read_label_table,
    read_label_text,
    wrong_layout,
)
from mmser.corpora.msp_labels import CLASSES, read_labels

LAYOUT = "MSP-Podcast: Labels/labels_consensus.csv and Audios/MSP-PODCAST_0001_0008.wav"
COLUMNS = ("FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set")
SPLITS = {"train": "train", "development": "validation", "validation": "validation"}
AUDIO_FOLDERS = ("Audios", "Audio")


class MspPodcast:
    """Every labelled turn; ``test_set`` (Test1, Test2, ...) is the one that becomes the test split.

    Turns of unknown speakers get a speaker of their own each: the release keeps its splits apart by
    podcast. ``unlabelled`` names a set of clips that the label table lacks (the challenges' Test3):
    those with that word in their file names are listed without a label and with that split.
    """

    name = "msp_podcast"

    def __init__(
        self, root: str | Path, test_set: str = "Test1", unlabelled: str | None = None
    ) -> None:
        self.root = root
        self.test_set = test_set
        self.unlabelled = unlabelled

    def utterances(self) -> Iterator[Utterance]:
        """Raises MmserError when the label table, or a column of it, is lacking."""
        root = existing_root(self.root, LAYOUT)
        files = files_below(root)
        tables = named(files, "labels_consensus.csv", "labels_concensus.csv")
        if not tables:
            raise wrong_layout(root, LAYOUT)
        detailed = tables[0].with_name("labels.txt")
        votes = (
            {clip.stem: tuple(clip.votes) for clip in read_labels(detailed)}
            if detailed.is_file()
            else {}
        )
        audio = {
            path.stem: path
            for path in inside(files, root, *AUDIO_FOLDERS)
            if path.suffix in AUDIO_SUFFIXES
        }
        transcripts = {
            path.stem: path for path in inside(files, root, "Transcripts") if path.suffix == ".txt"
        }
        # Without any clip the folder of the release is named: the ledger says what was looked for.
        folder = next(iter(audio.values())).parent if audio else root / AUDIO_FOLDERS[0]
        rows = read_label_table(tables[0], COLUMNS)
        for row in [*rows, *self._without_labels(audio, rows)]:
            stem = Path(row["FileName"]).stem
            words = read_label_text(transcripts[stem]).strip() if stem in transcripts else None
            yield self._utterance(row, votes, audio.get(stem, folder / f"{stem}.wav"), words)

    def _without_labels(
        self, audio: Mapping[str, Path], rows: Iterable[Mapping[str, str]]
    ) -> Iterator[dict[str, str]]:
        """Rows of the label table's form for the clips of the unlabelled set."""
        if self.unlabelled is None:
            return
        labelled = {Path(row["FileName"]).stem for row in rows}
        for stem in sorted(set(audio) - labelled):
            if self.unlabelled.lower() in stem.lower():
                blank = dict.fromkeys(COLUMNS, "")
                yield blank | {"FileName": f"{stem}.wav", "Split_Set": self.unlabelled}

    def _utterance(
        self,
        row: dict[str, str],
        votes: dict[str, tuple[Vote, ...]],
        audio: Path,
        transcript: str | None,
    ) -> Utterance:
        stem = Path(row["FileName"]).stem
        released_split = row["Split_Set"]
        is_test = released_split.lower() == self.test_set.lower()
        split = "test" if is_test else SPLITS.get(released_split.lower(), "")
        speaker = row["SpkrID"]
        gender = row["Gender"].lower()
        return Utterance(
            id=stem,
            corpus=self.name,
            speaker=f"unknown-{stem}" if speaker.lower() in ("", "unknown") else speaker,
            session=stem.rsplit("_", 1)[0],
            dialogue=stem.rsplit("_", 1)[0],
            transcript=transcript,
            language="en",
            gender=gender if gender in ("female", "male") else "",
            part=split,
            audio_path=audio,
            emotion=CLASSES.get(row["EmoClass"].upper()),
            valence=_number(row["EmoVal"]),
            arousal=_number(row["EmoAct"]),
            dominance=_number(row["EmoDom"]),
            votes=votes.get(stem, ()),
            extra={"split": released_split},
        )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
