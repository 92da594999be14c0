"""One word per modality over any system: ``text=minilm`` becomes the words that it is short for.

What a word means stands in ``configs/modality_words.yaml``: an extractor, the kind of stream that
it gives, and the encoders that read such a stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mmser.composition.places import experiment_choices, own_choices
from mmser.composition.words import Word
from mmser.core.configs import config_names, load_config, shortened, unknown_name
from mmser.core.errors import UsageError

MODALITIES = ("audio", "text", "face")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A system's stream of one modality, and what a word chooses for it."""

    stream: str
    meaning: Mapping[str, Any]
    recogniser: str

    @property
    def place(self) -> str:
        return f"encoder@model.encoders.{self.stream}"


def is_modality_word(word: Word) -> bool:
    """Whether a word chooses the features of a modality."""
    return word.key in MODALITIES and word.value is not None and word.sign != "~"


def with_modalities(words: Sequence[Word]) -> list[Word]:
    """The words, those of a modality written out; what another word sets stays as it sets it.

    Raises UsageError for a word that no modality has, a system without a stream of that modality,
    and one whose parts read no such stream.
    """
    if not any(map(is_modality_word, words)):
        return list(words)
    system = _value(words, "system")
    others = [word for word in words if not is_modality_word(word)]
    if system not in config_names("system"):
        return others  # an unknown or missing system is told by itself
    named = {word.key for word in others}
    # The last word of a modality is the one that holds, as with any option.
    last = {word.key: word for word in words if is_modality_word(word)}
    for word in last.values():
        written = _written_out(word, words, system)
        others += [one for one in written if one.key not in named]
    return others


@cache
def table() -> dict[str, Any]:
    """What ``configs/modality_words.yaml`` says: kinds, streams, fusions, words."""
    return load_config("", "modality_words")


def _written_out(word: Word, words: Sequence[Word], system: str) -> Iterator[Word]:
    chosen = _chosen(word, words, system)
    meaning = chosen.meaning
    kind = meaning["kind"]
    defaults = table()["streams"][word.key][kind]
    is_learned = defaults.get("vocabulary", False)
    options = {
        "extractor": meaning["extractor"] + chosen.recogniser,
        "size": None,
        "normalise": meaning.get("normalise", defaults["normalise"]),
        "limit": meaning.get("limit", defaults["limit"]),
    }
    if is_learned or "vocabulary" in _streams(words, system)[chosen.stream]:
        options["vocabulary"] = is_learned
    for key, value in options.items():
        yield Word("", f"streams.{chosen.stream}.{key}", _text(value))
    encoder = _value(words, chosen.place) or _encoder(word, words, system, chosen)
    if encoder != _choices(words, system).get(chosen.place):
        yield Word("", chosen.place, encoder)
    takes_arguments = encoder in table()["kinds"][kind]["readers"]
    for key, value in meaning.get("arguments", {}).items() if takes_arguments else ():
        yield Word("", f"model.encoders.{chosen.stream}.{key}", _text(value))


def _chosen(word: Word, words: Sequence[Word], system: str) -> _Chosen:
    name, at, recogniser = str(word.parsed()).partition("@")
    meanings = table()["words"][word.key]
    if name not in meanings:
        error = unknown_name(f"{word.key} word", name, sorted(meanings))
        raise UsageError(
            error.expected,
            error.found,
            f"{error.remedy} Any other extractor: streams.{word.key}.extractor=NAME.",
        )
    streams = _streams(words, system)
    fitting = [word.key] if word.key in streams else _of_modality(streams, word.key)
    if len(fitting) != 1:
        found = ", ".join(fitting or streams)
        raise UsageError(
            f"a system with one stream of {word.key} for {word.key}={name}",
            f"{system} with {found}",
            "Name a stream: streams.NAME.extractor=NAME."
            if fitting
            else f"`mmser list systems --modality {word.key}` prints those that have one.",
        )
    return _Chosen(fitting[0], meanings[name], at + recogniser)


def _encoder(word: Word, words: Sequence[Word], system: str, chosen: _Chosen) -> str:
    """The encoder that reads what a word gives: the system's own where it can."""
    meaning = chosen.meaning
    kind = meaning["kind"]
    choices = _choices(words, system)
    obstacle = _obstacle(chosen, choices)
    if obstacle is not None:
        others = [replace(chosen, meaning=other) for other in table()["words"][word.key].values()]
        fitting = [
            name
            for name, other in zip(table()["words"][word.key], others, strict=True)
            if _obstacle(other, choices) is None
        ]
        found, remedy = obstacle
        raise UsageError(
            f"a system that reads {kind} of {word.key}, which {word.key}={word.value} gives",
            f"{system}, {found}",
            f"Here {word.key}= may be {shortened(fitting)}; or {remedy}."
            if fitting
            else f"No word of {word.key} fits it: {remedy}.",
        )
    kinds = table()["kinds"]
    own = choices.get(chosen.place, "")
    if "encoder" in meaning:
        return str(meaning["encoder"])
    if own in kinds[kind]["readers"]:
        return own
    is_solved = "solver@solver" in choices
    return str(kinds[kind]["solved" if is_solved and "solved" in kinds[kind] else "encoder"])


def _obstacle(chosen: _Chosen, choices: Mapping[str, str]) -> tuple[str, str] | None:
    """What of a system cannot read a word's stream, and what else to do; None where all can."""
    kinds = table()["kinds"]
    kind = chosen.meaning["kind"]
    own = choices.get(chosen.place, "")
    fusion = choices.get("fusion@model.fusion", "")
    if not own:
        return f"whose stream {chosen.stream} has no encoder", "choose another system"
    if kind not in table()["fusions"].get(fusion, [kind]):
        return f"whose fusion {fusion} reads none", "add fusion=concat"
    if not any(own in each["readers"] for each in kinds.values()):
        reader = chosen.meaning.get("encoder") or kinds[kind]["encoder"]
        remedy = f"add encoders.{chosen.stream}={reader}"
        return f"whose encoder {own} is made for its input", remedy
    if "solver@solver" in choices and kind in ("words", "sub-words"):
        return "which a solver fits: no encoder of it learns", "take a system that trains one"
    return None


def _streams(words: Sequence[Word], system: str) -> dict[str, Any]:
    """Those of a system, and those that an experiment adds."""
    streams = dict(load_config("system", system).get("streams") or {})
    experiment = _value(words, "experiment")
    if experiment in config_names("experiment"):
        streams |= load_config("experiment", experiment).get("streams") or {}
    return streams


def _of_modality(streams: Mapping[str, Any], modality: str) -> list[str]:
    """Streams of another name whose extractor hears, reads or sees this modality."""
    room = f"mmser.extractors.{modality}."
    fitting = []
    for name, spec in streams.items():
        extractor = str(spec.get("extractor", "")).partition("@")[0]
        if extractor not in config_names("extractor"):
            continue
        if str(load_config("extractor", extractor).get("_target_", "")).startswith(room):
            fitting.append(name)
    return fitting


def _choices(words: Sequence[Word], system: str) -> dict[str, str]:
    """{"fusion@model.fusion": "mcsan", ...}: the components of the command."""
    choices = own_choices(system) | experiment_choices(_value(words, "experiment"))
    return choices | {word.key: str(word.value) for word in words if "@" in word.key}


def _value(words: Sequence[Word], key: str) -> str:
    values = [str(word.value) for word in words if word.key == key]
    return values[-1] if values else ""


def _text(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
