"""A dataset of the Hugging Face Hub: its files are fetched, and nothing of it is run."""

from __future__ import annotations

import re
from pathlib import Path

from mmser.core.hub import PREFIX, snapshot
from mmser.corpora.drafts.metadata_folder import NAMES
from mmser.corpora.layout import SOUND_SUFFIXES, VIDEO_SUFFIXES

ID = re.compile(r"[^/@\s]+/[^/@\s]+(?P<revision>@\S+)?")
PATTERNS = (
    "*.parquet",
    *(f"*{name}" for name in NAMES),
    *(f"*{suffix}" for suffix in (*SOUND_SUFFIXES, *VIDEO_SUFFIXES)),
)


def hub_dataset(source: Path) -> str | None:
    """The name that a source has on the hub: owner/name@revision, or hf:owner/name.

    None for what lies here, and for a name that may be a path.
    """
    word = source.as_posix()
    found = ID.fullmatch(word.removeprefix(PREFIX))
    is_meant = word.startswith(PREFIX) or (found is not None and found["revision"] is not None)
    return word if found is not None and is_meant and not source.exists() else None


def fetch_dataset(name: str) -> Path:
    """The folder of its tables and recordings in the hub's cache, at one commit."""
    return snapshot(name, PATTERNS, "dataset")
