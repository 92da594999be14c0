"""The manifest beside the stores: written with its digest, so that a changed one is noticed.

``manifest.json`` keeps the SHA-256 of ``manifest.parquet``: {"sha256": [the one before, the present
one]}. Both stand there because two files cannot be replaced in one step: a reader or a crash in
between finds one of the two.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mmser.cache.atomic import file_digest, write_json
from mmser.cache.fingerprint import text_digest
from mmser.cache.layout import MANIFEST, MANIFEST_DIGEST
from mmser.core.errors import MmserError

if TYPE_CHECKING:
    import pandas as pd

_PLACES = ("audio_path", "video_path")


def keep_manifest(folder: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make the manifest of the corpus's ``folder``, and record its digest.

    The folder's lock must be held. The same content leaves everything as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".new-{MANIFEST}"
    write(aside)
    digest, present = file_digest(aside), _digests(folder)[-1:]
    if digest not in present:
        write_json(folder / MANIFEST_DIGEST, {"sha256": [*present, digest]})
    aside.replace(folder / MANIFEST)


def manifest_problem(folder: Path) -> str:
    """What is wrong with a corpus's manifest, "" when it is as preprocessing wrote it.

    A manifest of an earlier version, without a digest, cannot be judged and has no problem.
    """
    if not (folder / MANIFEST).is_file():
        return "missing"
    digest = file_digest(folder / MANIFEST)
    try:
        digests = _digests(folder)
    except MmserError as error:
        return error.found
    if digests and digest not in digests:
        return "changed since preprocessing wrote it: edited or damaged"
    return ""


def check_manifest(folder: Path) -> None:
    """Raise MmserError when a corpus's manifest is not the one that preprocessing wrote."""
    problem = manifest_problem(folder)
    if problem:
        raise MmserError(f"{folder / MANIFEST} as preprocessing wrote it", problem, _remedy(folder))


def has_digest(folder: Path) -> bool:
    """Whether a digest was kept when the manifest was written."""
    return (folder / MANIFEST_DIGEST).is_file()


def content_digest(table: pd.DataFrame) -> str:
    """Digest of what a manifest says of its utterances, wherever their media lie."""
    facts = table.drop(columns=list(_PLACES), errors="ignore")
    facts = facts[sorted(facts.columns)]
    return text_digest(facts.to_json(orient="split", index=False, double_precision=15))


def _digests(folder: Path) -> list[str]:
    """The recorded digests, the present one last; none when there is no file."""
    path = folder / MANIFEST_DIGEST
    if not path.is_file():
        return []
    try:
        digests = json.loads(path.read_text(encoding="utf-8"))["sha256"]
        return [str(digest) for digest in digests]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MmserError(
            f"a readable {path}", f"{type(error).__name__}: {error}", _remedy(folder)
        ) from error


def _remedy(folder: Path) -> str:
    return (
        f"Run `mmser preprocess corpus={folder.name}` with its extractors again: what is "
        "cached is kept."
    )
