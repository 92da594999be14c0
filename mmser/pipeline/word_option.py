"""`transcript=NAME` and `words=NAME` of a training command: every text stream reads that source.

A run's config names stores: ``words=whisper_alignment`` is short for ``@whisper_alignment`` behind
the extractor of each text stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.utils import get_class

from mmser.cache.fingerprint import CORPUS_TRANSCRIPT
from mmser.cache.remedy import split_source
from mmser.core.configs import load_config
from mmser.core.errors import UsageError
from mmser.extraction.word_sources import ALIGNER, TRANSCRIBER, group_of

OPTIONS = {"transcript": TRANSCRIBER, "words": ALIGNER}
"""{option: the config group of which it names a member}."""


def split_option(overrides: Sequence[str]) -> tuple[str | None, list[str]]:
    """(the source of words that the overrides name, or None, and the other overrides).

    Raises UsageError for a name that is not of the option's group, and for two sources.
    """
    chosen: dict[str, str] = {}
    others = []
    for word in overrides:
        key, equals, value = word.partition("=")
        if key not in OPTIONS or not equals:
            others.append(word)
        elif value != CORPUS_TRANSCRIPT:
            chosen[key] = value
    for option, name in chosen.items():
        found = group_of(name)
        if found != OPTIONS[option]:
            other = next(key for key, group in OPTIONS.items() if group == found)
            raise UsageError(f"{other}={name}", f"{option}={name}", f"Write {other}={name}.")
    if len(chosen) > 1:
        raise UsageError(
            "transcript=NAME or words=NAME",
            "both",
            "A recogniser's words bring their own times; an aligner times the corpus's words.",
        )
    return next(iter(chosen.values()), None), others


def with_source(settings: dict[str, Any], source: str) -> dict[str, Any]:
    """The settings of a run whose text streams, those of its stages too, read ``source``.

    A stream whose extractor names a source of its own keeps it. Raises UsageError where there is
    no text stream.
    """
    found = False
    for spec in _stream_specs(settings):
        name = str(spec.get("extractor") or "")
        if name and not split_source(name)[1] and _reads_text(name):
            spec["extractor"] = f"{name}@{source}"
            found = True
    if not found:
        raise UsageError(
            f"a stream that reads the corpus's words, for {source}",
            "none",
            "Choose a system with a text stream.",
        )
    return settings


def _stream_specs(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for section in (settings, *(settings.get("stages") or {}).values()):
        yield from ((section or {}).get("streams") or {}).values()


def _reads_text(extractor: str) -> bool:
    base, _ = split_source(extractor)
    target = str(load_config("extractor", base).get("_target_"))
    return getattr(get_class(target), "modality", None) == "text"
