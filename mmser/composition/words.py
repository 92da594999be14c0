"""One word of a command, ``KEY=VALUE``, and how it is written for Hydra's grammar.

People write paths as they are, with spaces, brackets and letters of any language: they are quoted
here. A value that the grammar cannot read is text, unless it opens a bracket or a quote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from mmser.composition.letters import in_ascii, read_back
from mmser.composition.places import check_place, full_key, group_at, is_name
from mmser.core.configs import config_dir, config_names, load_config, unknown_name
from mmser.core.errors import UsageError
from mmser.settings.check import shown
from mmser.settings.paths import is_path

SHORT = {"seed": "seeds", "extractors": "extractors"}
"""`seed=3` is short for `seeds=[3]`, `extractors=mfcc40` for `extractors=[mfcc40]`."""

PLACES = {
    "encoder": "encoders.STREAM",
    "extractor": "streams.STREAM.extractor",
    "augmentation": "data.augmentation",
    "transcriber": "transcript",
    "aligner": "words",
}
"""How a member of a group that stands nowhere by itself is named in a command."""

_WORD = re.compile(r"(\+\+|\+|~)?([^=]*)(?:(=)(.*))?", re.DOTALL)
_OURS = re.compile(r"\$\{(?!(?:paths\.|cache\b|oc\.))")
"""A brace that opens no reference to another option: a path may have one in its name."""


@dataclass(frozen=True, slots=True)
class Word:
    """One override word in its pieces.

    ``sign`` is "", "+", "++" or "~"; ``value`` is written for the grammar, None where there is no
    equals sign.
    """

    sign: str
    key: str
    value: str | None

    @property
    def group(self) -> str:
        """The config group of which this word chooses a member, "" when it sets an option."""
        name = self.key.partition("@")[0]
        return name if "." not in name and (config_dir() / name).is_dir() else ""

    @property
    def place(self) -> str:
        """The dotted key that this word writes to."""
        name, _, package = self.key.partition("@")
        return package or name

    def __str__(self) -> str:
        return f"{self.sign}{self.key}" + ("" if self.value is None else f"={self.value}")

    def parsed(self) -> Any:
        """The value, as Hydra reads it."""
        override = OverridesParser.create().parse_override(f"{self.key}={self.value}")
        return read_back(override.value())


def read_words(overrides: Sequence[str], sweeps: bool = False) -> list[Word]:
    """Every word, ready for Hydra. ``sweeps``: a comma parts the values to try.

    Raises UsageError for a word that cannot be read, or one that names a config that is not there.
    """
    words = [_read(text, sweeps) for text in overrides]
    for word in words:
        _check_choice(word)
    systems = _members(words, "system")
    experiments = _members(words, "experiment")
    for text, word in zip(overrides, words, strict=True):
        # A word that was written for Hydra is answered by Hydra.
        if word.group and "@" in word.key and "@" not in text and not word.sign:
            check_place(word.key, systems, experiments)
    return words


def _members(words: Sequence[Word], group: str) -> list[str]:
    """The configs of a group that words choose; a pattern of a sweep is none."""
    values = [word.value or "" for word in words if word.key == group]
    # The values of a sweep are separated by commas.
    names = ",".join(values).split(",")
    return [name for name in names if name in config_names(group)]


def chosen(overrides: Sequence[str], group: str) -> str | None:
    """The name an override chooses for a config group: ``corpus=meld`` -> "meld".

    None where no override names the group.
    """
    pairs = [word.partition("=") for word in overrides]
    names = [value for key, _, value in pairs if key == group]
    return names[-1] if names else None


def default_protocol(corpus: str) -> str:
    """The protocol that says ``default: true`` for a corpus. Raises UsageError without one."""
    load_config("corpus", corpus)  # a misspelt corpus is told before a missing protocol
    fitting = []
    for name in config_names("protocol"):
        config = load_config("protocol", name)
        if config.get("corpus") != corpus:
            continue
        if config.get("default"):
            return name
        fitting.append(name)
    raise UsageError(
        f"protocol=NAME for the corpus {corpus}",
        "none",
        f"Known: {', '.join(fitting) or 'none yet'}.",
    )


def listed(overrides: Sequence[str], key: str) -> list[str]:
    """The value of a list override such as ``extractors=[mfcc40,glove]``.

    Raises UsageError when it is unreadable.
    """
    words = read_words([text for text in overrides if text.partition("=")[0] == key])
    value = words[-1].parsed() if words else []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _read(text: str, sweeps: bool) -> Word:
    match = _WORD.fullmatch(str(text))
    sign, key, equals, value = match.groups("") if match else ("", "", "", "")
    if not key.strip() or (not equals and sign != "~") or key != key.strip():
        raise UsageError(
            "words of the form KEY=VALUE", shown(str(text)), "See `mmser train --help` and docs/."
        )
    key = full_key(key)
    if not equals:
        return Word(sign, key, None)
    if key in SHORT and not value.startswith("["):
        # A list in brackets is passed on as it is, and is checked where it is composed.
        key, value = SHORT[key], f"[{value}]"
    if key.startswith("hydra"):
        return Word(sign, key, value)
    if is_path(key):
        return Word(sign, key, _quoted_path(value, sweeps))
    if sign != "~" and group_at(key) and is_name(value):
        key = f"{group_at(key)}@{key}"
    return _readable(Word(sign, key, value), sweeps)


def _quoted_path(value: str, sweeps: bool) -> str:
    """A path as the grammar reads it.

    ``null`` and ``random`` stay words; a path that the user has quoted stays as it is.
    """
    if sweeps and "," in value and value[0] not in "'\"":
        return ",".join(_quoted_path(part, sweeps=False) for part in value.split(","))
    if value in ("null", "random", ""):
        return value
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    # OmegaConf would look a brace after a dollar up; with a backslash it is text.
    return QuotedString(_OURS.sub(r"\\${", value), Quote.single).with_quotes()


def _readable(word: Word, sweeps: bool) -> Word:
    value = word.value or ""
    try:
        parsed = OverridesParser.create().parse_override(str(word))
    except HydraException as error:
        if value and value[0] not in "[{('\"":
            return replace(word, value=QuotedString(value, Quote.single).with_quotes())
        written = in_ascii(value)
        if written is not None and written != value:
            return _readable(replace(word, value=written), sweeps)
        raise UsageError(
            f"a value that can be read in {word.key}",
            shown(value),
            "Close every bracket and quote of it.",
        ) from error
    if parsed.is_sweep_override() and not sweeps:
        raise UsageError(
            f"one value for {word.key}",
            shown(value),
            f"A list is {word.key}=[{value}]; --multirun tries each in turn.",
        )
    return word


def _check_choice(word: Word) -> None:
    """Raise UsageError for a group, or a member of one, that is not there."""
    name, at, _ = word.key.partition("@")
    if word.sign == "~" or name.startswith("hydra"):
        return
    if at and not word.group:
        raise unknown_name(
            "config group",
            name,
            sorted(path.name for path in config_dir().iterdir() if path.is_dir()),
        )
    if not word.group:
        return
    if word.key in PLACES and not word.sign:
        raise UsageError(
            "the place of a component", shown(str(word)), f"Write {PLACES[word.key]}={word.value}."
        )
    if "(" in (word.value or ""):
        return  # choice(...), glob(...): what a sweep tries
    for member in re.split(r"[\[\],\s]+", word.value or ""):
        if member and member != "null" and member not in config_names(word.group):
            raise unknown_name(word.group, member, config_names(word.group))
