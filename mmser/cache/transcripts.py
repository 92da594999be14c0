"""Transcripts of an ASR system, stored like a feature, in one parquet table.

A store is a folder ``transcript@<source>-<fingerprint>`` with ``info.json`` and
``transcripts.parquet``, one row per utterance: id, text, words (JSON list of text, start, end,
confidence), status, error, detail, digest. While it is filled every step adds a piece
(`mmser.cache.pieces`). Rows stand in the order of work; the same work gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.atomic import write_json
from mmser.cache.columns import Columns
from mmser.cache.empty import no_empty_store
from mmser.cache.fingerprint import Recipe, check_same
from mmser.cache.growing import GrowingTable
from mmser.cache.index import FAILED, OK, is_current
from mmser.cache.info import read_info
from mmser.cache.layout import INFO, LOCK, TEMPORARY, TRANSCRIPTS
from mmser.cache.lock import locked
from mmser.cache.pieces import read_whole
from mmser.cache.remedy import rebuild
from mmser.cache.rows import Row, read_table
from mmser.core.clip import Failure, Transcript
from mmser.core.errors import MmserError
from mmser.core.utterance import Word

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COLUMNS = ("id", "text", "words", "status", "error", "detail", "digest")


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """What a recogniser gave for one utterance, and the digest of the sound it was given."""

    id: str
    digest: str
    result: Transcript | Failure


class TranscriptStore:
    """Reading one store. ``id in store`` means: was transcribed (the text may be empty)."""

    def __init__(self, directory: str | Path) -> None:
        """Raises MmserError when the folder holds no transcripts or the table is damaged."""
        self.directory = Path(directory)
        self.rows = Columns(read_whole(self.directory / TRANSCRIPTS, _read))
        self.info: dict[str, Any] = read_info(self.directory)

    def __contains__(self, identifier: object) -> bool:
        row = self.rows.get(identifier) if isinstance(identifier, str) else None
        return row is not None and row["status"] == OK

    @property
    def table(self) -> pd.DataFrame:
        """All rows, failed ones too."""
        import pandas as pd

        return pd.DataFrame(list(self.rows.values()), columns=list(COLUMNS))

    def read(self, identifier: str) -> Transcript | Failure:
        """The transcript, or why there is none. Raises MmserError for an unknown utterance."""
        if identifier not in self.rows:
            expected = f"utterance {identifier} in {self.directory}"
            raise MmserError(expected, "no such row", "Transcribe the corpus again.")
        try:
            return result_of(self.rows[identifier], self.info["transcript"]["source"])
        except (ValueError, TypeError) as error:
            raise MmserError(
                f"whole transcripts in {self.directory}",
                f"{error} in the words of {identifier}",
                rebuild(self.directory),
            ) from error


class TranscriptWriter:
    """The one writer of a store; make it with `open_transcripts`, which holds the lock."""

    def __init__(self, directory: Path, recipe: Recipe) -> None:
        self.directory = directory
        self.recipe = recipe
        directory.mkdir(parents=True, exist_ok=True)
        check_same(recipe, directory / INFO)
        for leftover in directory.glob(f"*{TEMPORARY}"):
            leftover.unlink()
        path = directory / TRANSCRIPTS
        stored = read_whole(path, _read) if path.exists() else _schema().empty_table()
        self._table = GrowingTable(path, _schema(), stored)
        info = directory / INFO
        self.complete = info.exists() and bool(read_info(directory).get("complete"))
        if not info.exists():
            self._mark(complete=False)

    @property
    def rows(self) -> GrowingTable:
        """Each utterance already transcribed, or failed, with its row."""
        return self._table

    def is_stored(self, identifier: str, digest: str, retry_failed: bool = False) -> bool:
        """Whether this utterance is there, transcribed from the same sound.

        ``retry_failed`` counts failures as absent.
        """
        return is_current(self._table, identifier, digest, retry_failed)

    def add(self, entries: Sequence[TranscriptEntry]) -> list[Row]:
        """Store entries durably, in order; one for a stored utterance replaces it."""
        if not entries:
            return []
        if self.complete:
            self._mark(complete=False)
        added = [_row(entry) for entry in entries]
        self._table.put(added)
        self._table.save()
        return added

    def read(self, identifier: str) -> Transcript | Failure:
        """What is stored for an utterance."""
        return result_of(self.rows[identifier], self.recipe.source)

    def finish(self) -> None:
        """Mark the store complete."""
        self._table.close()
        if not self.complete:
            self._mark(complete=True)

    def _mark(self, complete: bool) -> None:
        counts: dict[str, int | None] = {"ok": None, "failed": None}
        if complete:
            done = self._table.count("status", OK)
            counts = {"ok": done, "failed": len(self.rows) - done}
        write_json(self.directory / INFO, self.recipe.info() | counts | {"complete": complete})
        self.complete = complete


@contextmanager
def open_transcripts(
    directory: Path, recipe: Recipe, wait: bool = True, say: Callable[[str], None] | None = None
) -> Iterator[TranscriptWriter]:
    """The store's only writer, for the block.

    Raises MmserError when another process writes it and ``wait`` is false.
    """
    with (
        locked(directory.with_name(directory.name + LOCK), wait=wait, say=say),
        no_empty_store(directory),
    ):
        yield TranscriptWriter(directory, recipe)


def result_of(row: Row, source: str) -> Transcript | Failure:
    """The transcript or the failure a row stands for."""
    if row["status"] != OK:
        return Failure(row["id"], row["error"], row["detail"])
    return Transcript(row["text"], source, tuple(Word(**word) for word in json.loads(row["words"])))


def _row(entry: TranscriptEntry) -> Row:
    result = entry.result
    if isinstance(result, Failure):
        facts = {
            "text": "",
            "words": "[]",
            "status": FAILED,
            "error": result.reason,
            "detail": result.detail,
        }
    else:
        words = json.dumps([asdict(word) for word in result.words], ensure_ascii=False)
        facts = {"text": result.text, "words": words, "status": OK, "error": "", "detail": ""}
    return {"id": entry.id, **facts, "digest": entry.digest}


def _read(path: Path) -> pa.Table:
    remedy = rebuild(path.parent)
    return read_table(path, _schema(), "readable transcripts", remedy, empty=("error", "detail"))


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, pa.string()) for name in COLUMNS])
