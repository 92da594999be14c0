"""One cache from the caches of all shares of a corpus, with the bytes of one process's cache.

A store is merged as it would have been extracted: the same entries, in the same chunks, through the
same writer. So it is unfinished until its last utterance is there, an interrupted merge goes on
where it was, and only one chunk is in memory at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.atomic import write_bytes
from mmser.cache.entry import Entry
from mmser.cache.fingerprint import recipe_in
from mmser.cache.index import OK, read_rows
from mmser.cache.layout import INDEX, LOCK, MANIFEST, SHARDS, TRANSCRIPTS, WARNINGS
from mmser.cache.lock import locked
from mmser.cache.manifests import keep_manifest
from mmser.cache.rows import Row
from mmser.cache.store import Store
from mmser.cache.transcripts import TranscriptEntry, TranscriptStore, open_transcripts
from mmser.cache.writer import SHARD_BYTES, open_writer
from mmser.core.clip import Failure, Features
from mmser.extraction.merge_checks import Division, divisions
from mmser.extraction.plan import chunks
from mmser.extraction.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("corpus", "store", "shards", "done", "failed", "directory")


def merge(cache: str | Path, progress: bool = True, shard_bytes: int = SHARD_BYTES) -> pd.DataFrame:
    """Merge what ``mmser preprocess shard=NUMBER/COUNT`` left in ``<cache>/shards`` into ``cache``.

    Everything is checked before anything is written; the shares are left as they are. Returns one
    row per store. Raises MmserError when a share is missing, unfinished, of another division or
    corpus or recipe, or holds utterances of another.
    """
    import pandas as pd

    root = Path(cache)
    rows = []
    for division in divisions(root):
        total = len(division.plan) * len(division.stores)
        with Progress(f"merge {division.corpus}", total, progress) as bar:
            _keep_tables(division, root / division.corpus)
            for name in division.stores:
                merged = _merge_store(division, name, root / division.corpus, shard_bytes, bar)
                rows.append(_summary(division, name, root, merged))
            bar.say(f"all shards are merged: {root / SHARDS} can be removed")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _keep_tables(division: Division, folder: Path) -> None:
    """The manifest and the parser's warnings, which every share has for the whole corpus."""
    source = division.folders[0]
    with locked(folder / f"manifest{LOCK}"):
        keep_manifest(folder, partial(shutil.copyfile, source / MANIFEST))
        if (source / WARNINGS).exists():
            write_bytes(folder / WARNINGS, (source / WARNINGS).read_bytes())
        else:
            (folder / WARNINGS).unlink(missing_ok=True)


def _merge_store(
    division: Division, name: str, folder: Path, shard_bytes: int, bar: Progress
) -> Iterable[Row]:
    """The rows of the merged store."""
    recipe = recipe_in(division.info(name))
    if (division.folders[0] / name / TRANSCRIPTS).exists():
        with open_transcripts(folder / name, recipe, say=bar.say) as transcripts:
            for source, utterances in zip(division.folders, division.shares, strict=True):
                words = TranscriptStore(source / name)
                spoken = [
                    TranscriptEntry(each.id, words.rows[each.id]["digest"], words.read(each.id))
                    for each in utterances
                ]
                transcripts.add([e for e in spoken if not transcripts.is_stored(e.id, e.digest)])
                bar.step(len(spoken))
            transcripts.finish()
        return transcripts.rows.values()
    with open_writer(folder / name, recipe, shard_bytes, say=bar.say) as writer:
        for source, utterances in zip(division.folders, division.shares, strict=True):
            store = Store(source / name)
            rows = {row["id"]: row for row in read_rows(source / name / INDEX)}
            for chunk in chunks(utterances):
                due = [rows[utterance.id] for utterance in chunk]
                missing = [row for row in due if not writer.is_stored(row["id"], row["digest"])]
                writer.add([Entry(r["id"], r["digest"], _result(store, r)) for r in missing])
                bar.step(len(chunk))
        writer.finish()
    return writer.rows.values()


def _result(store: Store, row: Row) -> Features | Failure:
    """What a share's store holds of an utterance, as its extractor gave it."""
    if row["status"] != OK:
        return Failure(row["id"], row["error"], row["detail"])
    spans = store.spans(row["id"])
    return Features(store.read(row["id"]), row["frame_rate"], spans, row["notes"])


def _summary(division: Division, name: str, root: Path, merged: Iterable[Row]) -> dict[str, Any]:
    failed = [row["status"] != OK for row in merged]
    return {
        "corpus": division.corpus,
        "store": name,
        "shards": len(division.folders),
        "done": failed.count(False),
        "failed": failed.count(True),
        "directory": str(root / division.corpus / name),
    }
