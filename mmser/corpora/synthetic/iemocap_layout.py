"""Writes a synthetic corpus as IEMOCAP is shipped: ``SessionN`` folders of two speakers each.

A dialogue holds ``dialog/EmoEvaluation`` (votes and valence, activation, dominance),
``dialog/transcriptions``, ``dialog/avi/DivX`` (two faces side by side, the one the dialogue is
named after on the left), ``sentences/wav`` and ``sentences/ForcedAlignment`` (word segments in
frames of 10 ms).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmser.core.clip import SAMPLE_RATE
from mmser.corpora.synthetic.performance import FRAME_RATE, Performance, listening, perform
from mmser.corpora.synthetic.script import Line, Speaker
from mmser.media.write import whole_file, write_avi, write_wav

CODES = {
    "neutral": ("neu", "Neutral"), "happy": ("hap", "Happiness"), "sad": ("sad", "Sadness"),
    "angry": ("ang", "Anger"),
    "surprised": ("sur", "Surprise"), "fearful": ("fea", "Fear"), "disgusted": ("dis", "Disgust"),
}  # fmt: skip
"""IEMOCAP's code of the consensus and its word for a vote."""

VAD = {
    "neutral": (3, 2, 3), "happy": (4, 4, 3), "sad": (2, 2, 2), "angry": (1, 4, 4),
    "surprised": (4, 5, 3), "fearful": (2, 4, 1), "disgusted": (1, 3, 4),
}  # fmt: skip
"""Valence, activation, dominance on IEMOCAP's scale of 1 to 5."""

GAP = 0.4
"""Seconds between two turns."""
LINES_PER_DIALOGUE = 4
"""Utterances of one speaker in one dialogue."""


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    name: str
    start: float
    performance: Performance

    @property
    def end(self) -> float:
        return self.start + self.performance.seconds


def write_iemocap(root: Path, cast: Sequence[Speaker], parts: dict[Speaker, list[Line]]) -> None:
    """Write every dialogue that is not there yet; ``parts`` are the lines of each speaker."""
    for session in sorted({speaker.session for speaker in cast}):
        pair = [speaker for speaker in cast if speaker.session == session]
        length = max(len(parts[speaker]) for speaker in pair)
        for number, begin in enumerate(range(0, length, LINES_PER_DIALOGUE)):
            named = "FM"[number % 2]
            name = f"Ses{session:02d}{named}_impro{number // 2 + 1:02d}"
            lines = {
                speaker: parts[speaker][begin : begin + LINES_PER_DIALOGUE] for speaker in pair
            }
            folder = root / f"Session{session}"
            # The evaluation is written last: where it lies, the dialogue is whole.
            if not (folder / "dialog" / "EmoEvaluation" / f"{name}.txt").is_file():
                _write_dialogue(folder, name, lines)


def _write_dialogue(folder: Path, name: str, lines: dict[Speaker, list[Line]]) -> None:
    turns = _schedule(name, lines)
    sentences, dialog = folder / "sentences", folder / "dialog"
    for turn in turns:
        write_wav(sentences / "wav" / name / f"{turn.name}.wav", turn.performance.waveform)
        _write_text(
            sentences / "ForcedAlignment" / name / f"{turn.name}.wdseg",
            _word_segments(turn.performance),
        )
    left, right = sorted(lines, key=lambda speaker: speaker.gender != name[5])
    frames, waveform = _film(turns, left, right)
    write_avi(dialog / "avi" / "DivX" / f"{name}.avi", frames, FRAME_RATE, waveform)
    spoken = [f"{t.name} [{t.start:08.4f}-{t.end:08.4f}]: {t.performance.line.text}" for t in turns]
    _write_text(dialog / "transcriptions" / f"{name}.txt", "\n".join(spoken) + "\n")
    evaluation = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" + "\n".join(
        map(_evaluation, turns)
    )
    _write_text(dialog / "EmoEvaluation" / f"{name}.txt", evaluation)


def _schedule(name: str, lines: dict[Speaker, list[Line]]) -> list[_Turn]:
    """The speakers in alternation, one after the other."""
    turns: list[_Turn] = []
    at = GAP
    for number in range(max(map(len, lines.values()))):
        for speaker, own in lines.items():
            if number < len(own):
                performance = perform(own[number])
                turns.append(
                    _Turn(f"{name}_{speaker.gender}{number:03d}", round(at, 4), performance)
                )
                at = turns[-1].end + GAP
    return turns


def _film(turns: Sequence[_Turn], left: Speaker, right: Speaker) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (time, height, width, 3) of both halves and sound (sample,) of a whole dialogue."""
    seconds = turns[-1].end + GAP
    waveform = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for turn in turns:
        first = round(turn.start * SAMPLE_RATE)
        waveform[first : first + len(turn.performance.waveform)] = turn.performance.waveform
    pictures = []
    for number in range(int(seconds * FRAME_RATE)):
        time = number / FRAME_RATE
        halves = {left: listening(left), right: listening(right)}
        for turn in turns:
            if turn.start <= time < turn.end:
                halves[turn.performance.line.speaker] = turn.performance.picture(time - turn.start)
        pictures.append(np.concatenate([halves[left], halves[right]], axis=1))
    return np.stack(pictures), waveform


def _word_segments(performance: Performance) -> str:
    """The aligner's table: first and last frame of 10 ms, score, word, within ``<s>``, ``</s>``."""
    words = [(word.text.strip(".,!?").upper(), word.start, word.end) for word in performance.words]
    spans = [("<s>", 0.0, words[0][1]), *words, ("</s>", words[-1][2], performance.seconds)]
    rows = [
        f"\t{round(start * 100):6d} {round(end * 100) - 1:6d} {-1000 * (number + 1):10d} {word}"
        for number, (word, start, end) in enumerate(spans)
    ]
    total = -500 * len(spans) * (len(spans) + 1)
    return "\t  SFrm   EFrm    SegAScr Word\n" + "\n".join(rows) + f"\n Total score: {total:11d}\n"


def _evaluation(turn: _Turn) -> str:
    """The block of one utterance: consensus, three categorical votes, two dimensional ones."""
    random = np.random.default_rng(turn.performance.line.seed)
    emotion = turn.performance.line.cues.emotion
    code, word = CODES[emotion]
    dissent = CODES[sorted(CODES)[random.integers(len(CODES))]][1]
    third = dissent if random.random() < 0.25 else word
    scores = np.clip(np.array([VAD[emotion]] * 2) + random.integers(-1, 2, size=(2, 3)), 1, 5)
    mean = ", ".join(f"{value:.4f}" for value in scores.mean(axis=0))
    head = f"[{turn.start:.4f} - {turn.end:.4f}]\t{turn.name}\t{code}\t[{mean}]\n"
    votes = "".join(f"C-E{n}:\t{vote};\t()\n" for n, vote in ((2, word), (3, word), (4, third)))
    ratings = "".join(
        f"A-E{n}:\tval {v}; act {a}; dom {d};\t()\n"
        for n, (v, a, d) in zip((3, 4), scores, strict=True)
    )
    return head + votes + ratings


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8")
