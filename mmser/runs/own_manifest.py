"""The manifest that a run keeps of its own, so that its labels stay those it was trained with.

A corpus may be corrected later, and then its cache follows. A run's utterances, speakers, labels
and votes are those of its own copy, all of them: never half of one table and half of another. Where
the media lie is what the cache says.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mmser.cache.atomic import written_aside
from mmser.cache.manifests import content_digest
from mmser.core.errors import MmserError
from mmser.core.tables import read_parquet
from mmser.corpora.changes import PLACES, changes_of
from mmser.runs.run_paths import ENVIRONMENT, OWN_MANIFEST
from mmser.runs.run_tables import read_json


def keep_own_manifest(directory: Path, manifest: pd.DataFrame) -> None:
    """Write the run's copy, once."""
    path = directory / OWN_MANIFEST
    if not path.is_file():
        with written_aside(path) as aside:
            manifest.to_parquet(aside, index=False)


def own_manifest(directory: Path, cached: pd.DataFrame) -> pd.DataFrame:
    """The run's copy with the media paths of the ``cached`` manifest.

    An older run has no copy: it is the cached one. Raises MmserError when the copy is damaged or
    says other things than when the run was made.
    """
    path = directory / OWN_MANIFEST
    if not path.is_file():
        return cached
    own = read_parquet(path, "Train the run again.")
    for corpus, digest in (read_json(directory / ENVIRONMENT).get("manifests") or {}).items():
        if content_digest(own[own["corpus"] == corpus]) != digest:
            raise MmserError(
                f"{path} as the run wrote it",
                "another content",
                "Restore it, or train the run again.",
            )
    paths = cached.set_index("id")[[name for name in PLACES if name in cached and name in own]]
    is_cached = own["id"].isin(paths.index)
    return own.assign(
        **{name: own["id"].map(paths[name]).where(is_cached, own[name]) for name in paths.columns}
    )


def check_unchanged(directory: Path, cached: pd.DataFrame) -> None:
    """Raise MmserError when a run that is to go on was begun with other labels or utterances."""
    path = directory / OWN_MANIFEST
    if not path.is_file():
        return
    changes = changes_of(read_parquet(path, "Train the run again."), cached)
    if changes.of_facts:
        raise MmserError(
            f"the labels and utterances that {directory} was made from",
            changes.summary(),
            "Choose another folder with run=DIR for the corpus as it is now, or delete that one: "
            "this run keeps what it was made from.",
        )
