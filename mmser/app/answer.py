"""One recording of a visitor -> what the page shows of it."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from mmser.app.limits import Limits
from mmser.app.recording_files import write_page
from mmser.core.needed_package import has_package
from mmser.core.printable import printable
from mmser.core.tables import PREDICTION, PROBABILITY
from mmser.inference.annotations.formats import FORMATS, write_annotations
from mmser.inference.attended import Attended
from mmser.inference.glimpse import Glimpse, glimpse
from mmser.inference.playable import playable
from mmser.inference.recogniser import Recogniser
from mmser.inference.recording import open_recording
from mmser.inference.result_places import Place
from mmser.inference.segments import Segment
from mmser.inference.write import write_timeline
from mmser.media.decoder import Decoder
from mmser.reports.recording_page import class_seconds

NOUNS = {"audio": "sound", "text": "words", "face": "face"}
"""What a visitor calls a modality."""

_OPTIONS = re.compile(r" \([^()]*--[^()]*\)|; --[a-z].*$")

STEM_LETTERS = 60
"""Of a visitor's file name that go into the names of the downloads."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``shares`` are probabilities by class, if it has any; ``page`` is an HTML document."""

    verdict: str
    shares: dict[str, float]
    remarks: tuple[str, ...]
    page: str
    files: tuple[Path, ...]


class Answerer:
    """A recogniser with its limits and a process that decodes."""

    def __init__(
        self,
        recogniser: Recogniser,
        limits: Limits | None = None,
        asr: str | None = None,
        window: float = 5.0,
    ) -> None:
        self.recogniser, self.limits = recogniser, limits or Limits()
        self._asr, self._window, self._decoder = asr, window, Decoder()
        self._at_work = threading.Lock()
        # Told now, before anybody comes.
        self.has_transcriber = recogniser.transcriber(asr) is not None

    @property
    def modalities(self) -> tuple[str, ...]:
        """What the system reads, among audio, text and face."""
        return tuple(kind for kind in NOUNS if kind in self.recogniser.reader.modalities)

    @property
    def is_busy(self) -> bool:
        """Whether a recording is being judged."""
        return self._at_work.locked()

    def close(self) -> None:
        """End the process that decodes, and wait for what is being judged, which ends without it.

        An interpreter that ends while another thread is inside a library does so with a crash.
        """
        self._decoder.close()
        with self._at_work:
            pass

    def answer(self, path: Path, folder: Path, whole: bool = False, words: str = "") -> Answer:
        """Judge a recording; downloads are written to the new folder ``folder``.

        ``whole``: it is one utterance; with ``words`` it is one, and they are what was said in it.
        Raises MmserError when it is beyond the limits, or nothing in it can be judged.
        """
        with self._at_work:
            return self._answer(path, folder, whole, " ".join(words.split()))

    def _answer(self, path: Path, folder: Path, whole: bool, words: str) -> Answer:
        is_whole = whole or bool(words)
        self.limits.check_size(path)
        recording = open_recording(path, self._decoder)
        self.limits.check_length(recording, is_whole)
        segments = (Segment(0.0, recording.seconds, True, words),) if words else None
        attended = Attended()
        with _warnings() as warned:
            table = self.recogniser.predict(
                path,
                self._asr,
                self._window,
                whole=is_whole and segments is None,
                segments=segments,
                decoder=self._decoder,
                attended=attended,
            )
        seen = replace(glimpse(path, self._decoder), attention=attended.curves)
        page, files = self._write(path, table, folder, seen)
        told = (_for_visitors(line, path.name) for line in warned)
        remarks = (self._read(table), *told)
        return Answer(_verdict(table), _shares(table), remarks, page, files)

    def _write(
        self, path: Path, table: pd.DataFrame, folder: Path, seen: Glimpse
    ) -> tuple[str, tuple[Path, ...]]:
        folder.mkdir()
        place = Place(folder, printable(path.stem)[:STEM_LETTERS] or "recording")
        # The page has nothing beside it that it could play.
        player = playable(path, folder, self._decoder, linked=False)
        page = write_page(path.name, table, place, seen, player)
        formats = [name for name, one in FORMATS.items() if has_package(one.package)]
        timeline, annotations = (
            write_timeline(table, folder, place.stem, seen),
            write_annotations(table, path, place, formats),
        )
        # The commonest first: page, csv, TextGrid.
        files = (page, timeline[0], *annotations, *timeline[1:])
        return page.read_text(encoding="utf-8"), files

    def _read(self, table: pd.DataFrame) -> str:
        """In how many segments each modality was there: "Read: sound in 2 of 2 segments, ..."."""
        there = [set(str(cell).split("+")) for cell in table["modalities"]]
        counts = {kind: sum(kind in one for one in there) for kind in self.modalities}
        total = len(there)
        parts = [
            f"{NOUNS[kind]} in {f'{count} of {total}' if count else 'none'}"
            for kind, count in counts.items()
        ]
        end = " What is absent is masked, not guessed." if min(counts.values()) < total else ""
        noun = "segment" if total == 1 else "segments"
        return f"Read in {total} {noun}: {', '.join(parts)}.{end}"


def _verdict(table: pd.DataFrame) -> str:
    """The class, or how much of the judged time each has, or the mean of each value."""
    if "prediction" in table:
        if table["prediction"].nunique() == 1:
            return printable(str(table["prediction"].dropna().iloc[0]))
        shares = class_seconds(table).items()
        return ", ".join(f"{printable(str(name))} {value:.1f} s" for name, value in shares)
    lengths = table["end"] - table["start"]
    names = [str(name) for name in table if str(name).startswith(PREDICTION)]
    means = {name.removeprefix(PREDICTION): _mean(table[name], lengths) for name in names}
    return ", ".join(f"{printable(name)} {value:.2f}" for name, value in means.items())


def _shares(table: pd.DataFrame) -> dict[str, float]:
    """The mean probability of each class, weighted by the segments' seconds."""
    names = [str(name) for name in table if str(name).startswith(PROBABILITY)]
    lengths = table["end"] - table["start"]
    return {name.removeprefix(PROBABILITY): _mean(table[name], lengths) for name in names}


def _mean(values: pd.Series, weights: pd.Series) -> float:
    """Of the segments that have a value."""
    known = values.notna()
    return float((values[known] * weights[known]).sum() / weights[known].sum())


def _for_visitors(warning: str, name: str) -> str:
    """A warning without the recording's name and the options of a command."""
    return _OPTIONS.sub("", warning.removeprefix(f"{name}: "))


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """The warnings that mmser logs in this thread, which tell what a recording lacks."""
    lines: list[str] = []
    thread = threading.get_ident()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread and record.levelno >= logging.WARNING:
                lines.append(printable(record.getMessage()))

    listener = Listener()
    logger = logging.getLogger("mmser")
    logger.addHandler(listener)
    try:
        yield lines
    finally:
        logger.removeHandler(listener)
