"""Where everything lies in a cache, and which names are safe.

A store is the folder ``<cache>/<corpus>/<extractor>[@<transcript source>]-<fingerprint>/``.
While it is filled it holds parts (``part-*.safetensors``, what one `Writer.add` stored), which are
merged into shards (``shard-*.safetensors``).
"""

from __future__ import annotations

import re
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.share import Share

INFO = "info.json"
INDEX = "index.parquet"
MANIFEST = "manifest.parquet"
MANIFEST_DIGEST = "manifest.json"
WARNINGS = "warnings.json"
TRANSCRIPTS = "transcripts.parquet"
TRANSCRIPT = "transcript"
"""First part of the name of a store that holds an ASR system's words,
``transcript@whisper-<fingerprint>``.
"""

SHARDS = "shards"
"""Folder of the caches that `mmser preprocess shard=NUMBER/COUNT` fills, each one of its own."""

TEMPORARY = ".tmp"
LOCK = ".lock"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_SHARD = re.compile(r"shard-\d{5,}\.safetensors")
_STORE = re.compile(
    r"(?P<name>[A-Za-z0-9_.+-]+(?:@[A-Za-z0-9_.+-]+)?)-(?P<fingerprint>[0-9a-f]{12})"
)


def checked_name(name: str, what: str) -> str:
    """``name`` if it can be one folder of the cache; raises MmserError for any other."""
    if not _NAME.fullmatch(name):
        raise MmserError(f"{what} of letters, digits and . _ + -", f"'{name}'", "Rename it.")
    return name


def store_directory(
    cache: Path, corpus: str, extractor: str, transcript: str, fingerprint: str
) -> Path:
    """The folder of one store.

    ``transcript`` is "" unless the extractor read one that is not the corpus's own.
    """
    source = f"@{checked_name(transcript, 'the name of a transcript source')}" if transcript else ""
    name = f"{checked_name(extractor, 'the name of an extractor')}{source}-{fingerprint}"
    return Path(cache) / checked_name(corpus, "the name of a corpus") / name


def share_cache(cache: Path, share: Share | None) -> Path:
    """The cache of one share, ``<cache>/shards/3-of-16``; ``cache`` itself for the whole."""
    return cache if share is None else cache / SHARDS / f"{share.number}-of-{share.count}"


def split_store_name(name: str) -> tuple[str, str] | None:
    """(extractor[@transcript], fingerprint) of a store folder's name; None for another name."""
    match = _STORE.fullmatch(name)
    return (match["name"], match["fingerprint"]) if match else None


def shard_name(number: int) -> str:
    """File name of the shard with this number."""
    return f"shard-{number:05d}.safetensors"


def is_shard(name: str) -> bool:
    """Whether ``name`` is a plain shard file name (no folder, nothing else)."""
    return bool(_SHARD.fullmatch(name))


def part_name(commit: int, number: int) -> str:
    """File name of a part; ``commit`` is the number of the shard it will be merged into."""
    return f"part-{commit:05d}-{number:06d}.safetensors"


def parts_of(directory: Path) -> list[tuple[int, int, Path]]:
    """(commit, number, path) of every part in the folder, in order."""
    parts = []
    for path in directory.glob("part-*.safetensors"):
        numbers = path.stem.split("-")[1:]
        if len(numbers) == 2 and all(number.isdigit() for number in numbers):
            parts.append((int(numbers[0]), int(numbers[1]), path))
    return sorted(parts)


def inside(directory: Path, name: str) -> Path:
    """Path of the shard ``name`` in ``directory``; the index is not trusted.

    Raises MmserError when the name is no shard's or the file is a link that leads out of the
    folder.
    """
    path = directory / name
    if not is_shard(name) or path.resolve().parent != directory.resolve():
        raise MmserError(
            f"shards inside {directory}",
            f"'{name}'",
            "The index was tampered with; build it again.",
        )
    return path
