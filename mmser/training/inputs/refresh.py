"""Brings the cached manifests of a run's corpora up to date, and tries the protocol on them.

A label that was corrected in a corpus's table after its features were cached counts from the next
`mmser train` on. A corpus that is not there any more is taken as its cache has it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.layout import LOCK, MANIFEST, checked_name
from mmser.cache.lock import locked
from mmser.cache.manifests import check_manifest, keep_manifest
from mmser.core.contracts import Corpus
from mmser.core.errors import MmserError, listed_faults
from mmser.core.paths import expanded, is_there
from mmser.corpora.changes import Changes, changes_of
from mmser.corpora.manifest import read_manifest, to_table, write_manifest
from mmser.runs.own_manifest import check_unchanged
from mmser.runs.run_identity import run_directory
from mmser.runs.run_paths import ASSIGNMENT
from mmser.settings.run import read_run
from mmser.training.inputs.corpora import build_corpora
from mmser.training.inputs.sources import assign_folds

TABLES = (".csv", ".tsv", ".parquet")

_log = logging.getLogger(__name__)


def refresh(config: Mapping[str, Any]) -> dict[str, Changes]:
    """Read every corpus of a run, check it, and bring the cached manifests up to date.

    Returns in what each corpus that is cached already differs from its cache: {name: changes}.
    Raises MmserError when a table has faults, or the protocol cannot be followed: no labels it
    knows, one class, too few speakers, other counts. A run that was begun keeps the folds it has,
    and goes on only with the labels it was begun with.
    """
    settings = read_run(config)
    corpora, cache = build_corpora(settings), Path(settings.cache)
    tables = {each.name: _table(each.corpus, cache) for each in corpora.all}
    directory, whole = run_directory(config), pd.concat(tables.values(), ignore_index=True)
    repeated = whole.loc[whole["id"].duplicated(), "id"].tolist()
    if repeated:
        raise listed_faults(
            "ids that no two corpora share", repeated, "Rename the utterances of one of them."
        )
    if (directory / ASSIGNMENT).is_file():
        check_unchanged(directory, whole)
    else:
        assign_folds(corpora, whole, settings.target_labels)
    changes = {name: _follow(table, cache / _folder_name(name)) for name, table in tables.items()}
    return {name: changed for name, changed in changes.items() if changed}


def refresh_manifest(corpus: Corpus, cache: Path) -> Changes | None:
    """Bring one corpus's cached manifest up to date; -> in what it differed, None for nothing."""
    return _follow(_table(corpus, cache), cache / _folder_name(corpus.name))


def _folder_name(corpus: str) -> str:
    return checked_name(corpus, "the name of a corpus")


def _table(corpus: Corpus, cache: Path) -> pd.DataFrame:
    """The corpus's manifest as its own files make it now, or the cached one without them."""
    cached = cache / _folder_name(corpus.name) / MANIFEST
    # Probed, as a corpus that is made up in memory has no folder.
    root = getattr(corpus, "root", None)
    if cached.is_file() and root is not None and _is_gone(expanded(root)):
        check_manifest(cached.parent)
        kept = read_manifest(cached)
        _log.warning(
            "%s is not at %s: taken as its cache has it, %d utterances of %d speakers",
            corpus.name,
            root,
            len(kept),
            kept["speaker"].nunique(),
        )
        return kept
    table = to_table(corpus.utterances())
    if table.empty:
        raise MmserError(f"utterances in the corpus {corpus.name}", "none", "Check corpus.root.")
    return table


def _is_gone(root: Path) -> bool:
    """Nothing is there, or an empty folder: a disk that is not mounted leaves one.

    A table that is missing where another one lies was mistyped.
    """
    if root.suffix.lower() in TABLES and root.parent.is_dir():
        return not any(one.suffix.lower() in TABLES for one in root.parent.iterdir())
    return not is_there(root, Path.exists) or (root.is_dir() and not any(root.iterdir()))


def _follow(table: pd.DataFrame, folder: Path) -> Changes | None:
    """Write the table over a cached manifest that differs; -> the changes.

    None where there was no cached manifest, or it says the same.
    """
    if not (folder / MANIFEST).is_file():
        return None
    with locked(folder / f"manifest{LOCK}"):
        check_manifest(folder)
        changes = changes_of(read_manifest(folder / MANIFEST), table)
        if not changes.of_facts and not changes.moved:
            return None
        keep_manifest(folder, partial(write_manifest, table))
    level = logging.WARNING if changes.of_facts else logging.INFO
    _log.log(
        level,
        "the corpus %s says other things than its cache, which follows: %s",
        folder.name,
        changes.summary(),
    )
    return changes
