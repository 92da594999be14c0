"""Whether the shares of a corpus can be merged: what is missing, unfinished, strange or double."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmser.cache.find import differences
from mmser.cache.index import OK, read_rows
from mmser.cache.info import read_info
from mmser.cache.layout import (
    INDEX,
    INFO,
    MANIFEST,
    SHARDS,
    TRANSCRIPTS,
    share_cache,
    split_store_name,
)
from mmser.cache.manifests import check_manifest, content_digest
from mmser.cache.rows import Row
from mmser.cache.transcripts import TranscriptStore
from mmser.core.errors import MmserError
from mmser.core.share import Share
from mmser.core.utterance import Utterance
from mmser.corpora.manifest import from_table, read_manifest
from mmser.extraction.plan import planned
from mmser.extraction.shares import share_of

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = re.compile(r"([1-9][0-9]{0,5})-of-([1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class Division:
    """A corpus in shares: the folder and the utterances of each, and the names of their stores."""

    corpus: str
    folders: Sequence[Path]
    shares: Sequence[Sequence[Utterance]]
    stores: Sequence[str]

    @property
    def plan(self) -> list[Utterance]:
        """All utterances, in the order of the cache."""
        return [utterance for share in self.shares for utterance in share]

    def info(self, store: str) -> dict[str, Any]:
        """What the first share's store says of itself."""
        return read_info(self.folders[0] / store)


def divisions(cache: Path) -> list[Division]:
    """Every corpus whose shares lie in ``<cache>/shards``, each of them checked.

    Raises MmserError for the first thing that is not as it must be.
    """
    found: dict[str, dict[Share, Path]] = {}
    for folder in sorted((cache / SHARDS).glob("*-of-*")):
        written = _FOLDER.fullmatch(folder.name)
        if written is None:
            continue
        share = Share(int(written[1]), int(written[2]))
        for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, {})[share] = manifest.parent
    if not found:
        raise MmserError(
            f"shards in {cache / SHARDS}",
            "none",
            "Run `mmser preprocess ... shard=1/2` and `shard=2/2`, or copy the folders of other "
            "machines there.",
        )
    return [_division(cache, corpus, folders) for corpus, folders in sorted(found.items())]


def _division(cache: Path, corpus: str, folders: Mapping[Share, Path]) -> Division:
    counts = sorted({share.count for share in folders})
    if len(counts) > 1:
        raise MmserError(
            f"shards of one division of {corpus} in {cache / SHARDS}",
            " and ".join(f"{count} shards" for count in counts),
            "Move the folders of the other division away.",
        )
    shares = [Share(number, counts[0]) for number in range(1, counts[0] + 1)]
    for share in shares:
        if share not in folders:
            raise _not_done(share_cache(cache, share) / corpus, share, "no such folder")
    ordered = [folders[share] for share in shares]
    plan = planned(from_table(_same_manifest(corpus, ordered)))
    parts = [share_of(plan, share) for share in shares]
    names = _same_stores(corpus, ordered)
    everybody = {utterance.id for utterance in plan}
    for name in names:
        shapes: dict[str, Share] = {}
        for share, folder, utterances in zip(shares, ordered, parts, strict=True):
            ids = {utterance.id for utterance in utterances}
            rows = _checked_rows(folder / name, share, ids, everybody)
            for row in rows:
                if row["status"] == OK and "dimension" in row:
                    shapes.setdefault(row["dimension"], share)
        _check_shapes(corpus, name, shapes)
    return Division(corpus, ordered, parts, names)


def _same_manifest(corpus: str, folders: Sequence[Path]) -> pd.DataFrame:
    """The manifest that all shares have, wherever the media lie on their machines."""
    tables = map(_manifest, folders)
    first = next(tables)
    expected = content_digest(first)
    for folder, table in zip(folders[1:], tables, strict=True):
        if content_digest(table) != expected:
            raise MmserError(
                f"one manifest of {corpus} in all shards",
                f"another in {folder} than in {folders[0]}",
                "Its files differ from machine to machine, or changed: correct that and run the "
                "shards again.",
            )
    return first


def _manifest(folder: Path) -> pd.DataFrame:
    check_manifest(folder)
    return read_manifest(folder / MANIFEST)


def _same_stores(corpus: str, folders: Sequence[Path]) -> list[str]:
    """The names of the stores that every share has, transcripts first."""
    stores = [
        {path.name for path in folder.glob("*") if split_store_name(path.name) and path.is_dir()}
        for folder in folders
    ]
    for folder, names in zip(folders, stores, strict=True):
        for name in sorted(set().union(*stores) - names):
            raise _store_missing(corpus, name, folder, names, folders)
    if not stores[0]:
        raise MmserError(
            f"stores in the shards of {corpus}", "none", "Run `mmser preprocess` with shard=."
        )
    return sorted(stores[0])


def _store_missing(
    corpus: str, name: str, folder: Path, names: set[str], folders: Sequence[Path]
) -> MmserError:
    """A store that one share lacks: it has one of another recipe, or none."""
    short = (split_store_name(name) or (name,))[0]
    others = sorted(other for other in names if (split_store_name(other) or ("",))[0] == short)
    owner = next(each for each in folders if (each / name / INFO).is_file())
    if not others:
        return MmserError(
            f"a store {name} in every shard of {corpus}",
            f"none in {folder}",
            "Run that shard with the same extractors.",
        )
    infos = {str(owner): read_info(owner / name), str(folder): read_info(folder / others[0])}
    facts = differences(infos)
    listed = (
        f"{place}: {', '.join(f'{key}={value}' for key, value in each.items() if key != 'share')}"
        for place, each in sorted(facts.items())
    )
    return MmserError(
        f"one recipe of {short} in all shards of {corpus}",
        "; ".join(listed),
        "Run the shards with the same options and weights, and move the other store away.",
    )


def _checked_rows(store: Path, share: Share, ids: set[str], everybody: set[str]) -> Iterable[Row]:
    """The rows of a finished store of that share: of its utterances, each of them once.

    A recogniser's store may also hold the turns around them, which extractors read.
    """
    info = read_info(store)
    if info.get("share") != str(share):
        raise MmserError(
            f"shard {share} of a corpus in {store}",
            f"shard {info['share']}" if info.get("share") else "a store of no shard",
            "Move that folder to where it belongs.",
        )
    if not info.get("complete"):
        raise _not_done(store, share, "one that is unfinished")
    is_words = (store / TRANSCRIPTS).exists()
    rows = list(TranscriptStore(store).rows.values()) if is_words else read_rows(store / INDEX)
    found = {row["id"] for row in rows}
    strange = sorted(found - (everybody if is_words else ids))
    if strange:
        where = "twice: it belongs to another shard" if strange[0] in everybody else "not listed"
        raise MmserError(
            f"utterances of shard {share} alone in {store}",
            f"{strange[0]}, in the corpus {where}",
            "Delete that folder and run its shard again.",
        )
    if ids - found:
        raise _not_done(store, share, f"no row of {min(ids - found)}")
    return rows


def _check_shapes(corpus: str, name: str, shapes: Mapping[str, Share]) -> None:
    if len(shapes) > 1:
        listed = ", ".join(f"{shape or 'none'} in shard {share}" for shape, share in shapes.items())
        raise MmserError(
            f"one feature shape in {name} of {corpus}",
            listed,
            "The shard's first utterance has another shape: correct it, then run the shard again.",
        )


def _not_done(place: Path, share: Share, found: str) -> MmserError:
    return MmserError(
        f"a finished shard {share} at {place}",
        found,
        f"Run its command, `mmser preprocess ... shard={share}`, again: it goes on.",
    )
