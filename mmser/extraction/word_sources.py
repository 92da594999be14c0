"""Where a text extractor's words come from beside the corpus: a recogniser, or an aligner.

Both are known by the name of their config, or by config and model joined by a hyphen: ``whisper``,
``whisper-tiny.en``, ``whisper_alignment-base``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmser.composition import built, load_part
from mmser.core.configs import config_names, unknown_name
from mmser.core.contracts import Transcriber
from mmser.core.word_sources import Aligner, WordSource

TRANSCRIBER, ALIGNER = "transcriber", "aligner"


def make_transcriber(backend: str, paths: Mapping[str, str]) -> Transcriber:
    """The recogniser ``backend``, its weights below ``paths``. Raises UsageError for another."""
    transcriber: Transcriber = _made(TRANSCRIBER, backend, paths)
    return transcriber


def make_word_source(name: str, paths: Mapping[str, str]) -> WordSource:
    """The recogniser or aligner of this name. Raises UsageError where there is neither."""
    source: Transcriber | Aligner = _made(group_of(name), name, paths)
    return source


def group_of(name: str) -> str:
    """The config group of a word source's name. Raises UsageError where there is none."""
    config = name.partition("-")[0]
    for group in (TRANSCRIBER, ALIGNER):
        if config in config_names(group):
            return group
    known = [*config_names(TRANSCRIBER), *config_names(ALIGNER)]
    raise unknown_name("transcriber or aligner", name, known)


def is_aligner(name: str) -> bool:
    """Whether a transcript source (``corpus`` too) is the corpus's own words with times."""
    return name.partition("-")[0] in config_names(ALIGNER)


def _made(group: str, name: str, paths: Mapping[str, str]) -> Any:
    config, _, model = name.partition("-")
    if config not in config_names(group):
        raise unknown_name(group, name, config_names(group))
    changes = {"model": model} if model else {}
    return built(load_part(group, config, paths, **changes))
