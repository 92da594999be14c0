"""What to do about a store that is not there or damaged: the command that makes it."""

from __future__ import annotations

from pathlib import Path

from mmser.cache.layout import TRANSCRIPT, split_store_name
from mmser.core.configs import config_names


def preprocess_command(corpus: str, extractor_name: str) -> str:
    """The command that fills a store of ``corpus``, by its short name or its folder's full one."""
    name, source = split_source(extractor_name)
    # Transcripts are made on the way to the features of whatever reads words.
    extractor = "words" if name == TRANSCRIPT else name
    command = f"mmser preprocess corpus={corpus} extractors=[{extractor}]"
    if not source:
        return command
    option = "words" if source.partition("-")[0] in config_names("aligner") else "transcript"
    return f"{command} {option}={source}"


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
