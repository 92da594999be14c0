"""The resolved config of a training, from override words or from a saved run's config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmser.composition import chosen, compose, default_protocol, merged, read_yaml
from mmser.pipeline.word_option import split_option, with_source
from mmser.settings.settings import require_run


def repeated(config: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    """A saved run's config with overrides.

    One of an earlier version may lack an option, which raises UsageError.
    """
    from mmser.runs.places import check_places

    settings = merged(read_yaml(config), overrides)
    require_run(settings)
    check_places(settings, [word.lstrip("+").partition("=")[0] for word in overrides], Path(config))
    return settings


def train_settings(overrides: Sequence[str]) -> dict[str, Any]:
    """Compose the training config; a protocol that is not named is the corpus's default one.

    ``transcript=NAME`` and ``words=NAME`` say where the words of all text streams come from.
    """
    source, others = split_option(overrides)
    settings = compose("train", with_default_protocol(others))
    return settings if source is None else with_source(settings, source)


def with_default_protocol(overrides: Sequence[str]) -> list[str]:
    """The words, after the corpus's default protocol where they name a corpus and no protocol."""
    corpus = chosen(overrides, "corpus")
    if corpus and not chosen(overrides, "protocol"):
        return [f"protocol={default_protocol(corpus)}", *overrides]
    return list(overrides)
