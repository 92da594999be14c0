"""Writes a synthetic corpus as MELD is shipped: for each split a csv file and a folder of clips."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmser.corpora.synthetic.performance import FRAME_RATE, Performance, perform
from mmser.corpora.synthetic.script import Line, Speaker
from mmser.media.write import whole_file, write_mp4

EMOTIONS = {
    "neutral": ("neutral", "neutral"), "happy": ("joy", "positive"), "sad": ("sadness", "negative"),
    "angry": ("anger", "negative"), "surprised": ("surprise", "positive"),
    "fearful": ("fear", "negative"),
    "disgusted": ("disgust", "negative"),
}  # fmt: skip
"""MELD's word for an emotion and its sentiment."""

FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
SPLITS = ("train", "train", "train", "dev", "test")
"""Dialogues go to the splits in this turn."""
COLUMNS = (
    "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID",
    "Season", "Episode",
    "StartTime", "EndTime",
)  # fmt: skip
LINES_PER_DIALOGUE = 2
"""Utterances of one speaker in one dialogue."""
SIDE = 80
"""Pixels of wall on either side of the speaker."""


@dataclass(frozen=True, slots=True)
class _Entry:
    split: str
    dialogue: int
    number: int
    line: Line


def write_meld(root: Path, cast: Sequence[Speaker], parts: dict[Speaker, list[Line]]) -> None:
    """Write the missing clips, then the tables; ``parts`` are the lines of each speaker."""
    if all((root / f"{split}_sent_emo.csv").is_file() for split in FOLDERS):
        return
    clock = 0.0
    rows: dict[str, list[list[str | int]]] = {split: [] for split in FOLDERS}
    for entry in _entries(cast, parts):
        performance = perform(entry.line)
        path = root / FOLDERS[entry.split] / f"dia{entry.dialogue}_utt{entry.number}.mp4"
        if not path.is_file():
            write_mp4(path, _film(performance), FRAME_RATE, performance.waveform)
        rows[entry.split].append(
            _row(entry, len(rows[entry.split]) + 1, clock, clock + performance.seconds)
        )
        clock += performance.seconds + 1
    for split, lines in rows.items():
        _write_table(root / f"{split}_sent_emo.csv", lines)


def _entries(cast: Sequence[Speaker], parts: dict[Speaker, list[Line]]) -> Iterator[_Entry]:
    """The two speakers of a session talk to each other; each split counts its own dialogues."""
    counts = dict.fromkeys(FOLDERS, 0)
    dialogues: list[list[Line]] = []
    for session in sorted({speaker.session for speaker in cast}):
        pair = [parts[speaker] for speaker in cast if speaker.session == session]
        for chunk in _chunks(pair):
            turns = zip(*chunk, strict=True)  # the two speak in turn
            dialogues.append([line for turn in turns for line in turn])
    for index, lines in enumerate(dialogues):
        split = SPLITS[index % len(SPLITS)]
        for number, line in enumerate(lines):
            yield _Entry(split, counts[split], number, line)
        counts[split] += 1


def _chunks(pair: Sequence[list[Line]]) -> Iterator[list[list[Line]]]:
    for begin in range(0, len(pair[0]), LINES_PER_DIALOGUE):
        yield [own[begin : begin + LINES_PER_DIALOGUE] for own in pair]


def _film(performance: Performance) -> np.ndarray:
    """Pictures (time, height, width, 3): the speaker before a plain wall."""
    count = max(1, int(performance.seconds * FRAME_RATE))
    pictures = np.stack([performance.picture(number / FRAME_RATE) for number in range(count)])
    return np.pad(pictures, ((0, 0), (0, 0), (SIDE, SIDE), (0, 0)), constant_values=128)


def _row(entry: _Entry, serial: int, start: float, end: float) -> list[str | int]:
    speaker = entry.line.speaker
    emotion, sentiment = EMOTIONS[entry.line.cues.emotion]
    name = f"Synthetic {speaker.gender}{speaker.session}"
    times = [_clock(start), _clock(end)]
    return [
        serial,
        entry.line.text,
        name,
        emotion,
        sentiment,
        entry.dialogue,
        entry.number,
        1,
        speaker.session,
        *times,
    ]


def _clock(seconds: float) -> str:
    """``00:16:16,059``"""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d},{thousandths:03d}"


def _write_table(path: Path, rows: Sequence[Sequence[str | int]]) -> None:
    with whole_file(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
