"""What to do about a store that is not there or damaged: the command that makes it."""

from __future__ import annotations

from pathlib import Path

from mmser.cache.layout import TRANSCRIPT, split_store_name


def preprocess_command(corpus: str, extractor_name: str) -> str:
    """The command that fills the store ``extractor_name`` (short, or a folder's full name) of
    ``corpus``.
    """
    name, source = split_source(extractor_name)
    read = "words" if name == TRANSCRIPT else name
    return f"mmser preprocess corpus={corpus} extractors=[{read}]" + (
        f" transcript={source}" if source else ""
    )


def rebuild(directory: Path) -> str:
    """What to do about a damaged store."""
    return (
        f"Delete {directory} and run: {preprocess_command(directory.parent.name, directory.name)}"
    )


def split_source(extractor_name: str) -> tuple[str, str]:
    """(extractor, transcript source or "") of a store's short or full name."""
    short = (split_store_name(extractor_name) or (extractor_name,))[0]
    name, _, source = short.partition("@")
    return name, source
