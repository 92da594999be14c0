"""Which encoder reads which stream.

What an extractor gives stands here beside what the encoder of its stream reads.

Both say it in a class attribute (`mmser.core.contracts`): ``gives`` of an extractor, ``reads`` of
an encoder, "features" where an encoder has none. An extractor that no config names (imported
features) says nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mmser.core.configs import config_names, load_config
from mmser.core.contracts import NamedStreamsFusion, kind_read
from mmser.core.errors import UsageError
from mmser.settings.part import located

Settings = Mapping[str, Any]

FEATURES, WORDS, TOKENS, LAYERS = "features", "words", "tokens", "layers"
MEANINGS = {
    FEATURES: "features (vectors of numbers)",
    WORDS: "words (a number of the vocabulary for each)",
    TOKENS: "tokens (the numbers of a checkpoint's pieces of words)",
    "waveform": "a waveform",
    "characters": "characters (a number for each)",
    LAYERS: "every layer's features",
}
_FINGERPRINT = re.compile(r"-[0-9a-f]{12}$")


def check_readers(settings: Settings) -> None:
    """Raise UsageError unless every encoder has a stream, of a kind that it reads.

    That is every encoder of the run and of its stages. A fusion for streams of certain names is
    given no others.
    """
    for where, encoders, streams in _steps(settings):
        for name, encoder in encoders.items():
            if name not in streams:
                raise UsageError(
                    f"a stream for each encoder, streams.{name}.extractor=NAME",
                    f"an encoder of '{name}' and the streams "
                    f"{', '.join(streams) or '(none)'}{where}",
                    f"Add +streams.{name}.extractor=NAME, or take the encoder out: "
                    f"~model.encoders.{name}.",
                )
            _check_stream(name, encoder, streams[name], where)
        _check_stream_names(settings["model"].get("fusion") or {}, list(encoders))


def given_by(extractor: str) -> str | None:
    """The kind of what an extractor gives, by the name of its config or of a store.

    None where it is not known.
    """
    part = _extractor(extractor)
    return None if part is None else _given_by_part(part)


def _given_by_part(part: Mapping[str, Any]) -> str | None:
    if part.get("layer") == "all":
        return LAYERS
    inside = part.get("extractor")
    if isinstance(inside, Mapping):  # a disturbed extractor gives what the one inside it gives
        return _given_by_part(inside)
    extractor_class = located(str(part.get("_target_")))
    return None if extractor_class is None else str(extractor_class.gives)


def read_by(encoder: Mapping[str, Any]) -> str | None:
    """The kind of what an encoder reads; None for one of somebody else's."""
    encoder_class = located(str(encoder.get("_target_")))
    return None if encoder_class is None else kind_read(encoder_class)


def _check_stream(
    name: str, encoder: Mapping[str, Any], stream: Mapping[str, Any], where: str
) -> None:
    extractor = str(stream.get("extractor"))
    given, read, numbered = given_by(extractor), read_by(encoder), bool(stream.get("vocabulary"))
    if given is None or read is None:
        return
    if numbered and given != WORDS:
        raise UsageError(
            f"an extractor of words in stream '{name}', which has vocabulary=true{where}",
            f"{extractor}, which gives {MEANINGS.get(given, given)}",
            f"Set streams.{name}.extractor=words, or streams.{name}.vocabulary=false.",
        )
    if given != read:
        raise UsageError(
            f"{MEANINGS.get(read, read)} for the encoder of stream '{name}'{where}",
            f"{MEANINGS.get(given, given)} of the extractor {extractor}",
            _remedy(name, given, read),
        )
    if given == WORDS and not numbered:
        raise UsageError(
            f"streams.{name}.vocabulary=true: the encoder reads the numbers of a vocabulary{where}",
            "vocabulary=false",
            f"Set streams.{name}.vocabulary=true.",
        )
    if given == TOKENS:
        _check_pieces(name, encoder, extractor)


def _check_pieces(name: str, encoder: Mapping[str, Any], extractor: str) -> None:
    """Pieces are numbered by their checkpoint: one network's are nonsense to another."""
    theirs, ours = (part.get("weights") for part in (_extractor(extractor) or {}, encoder))
    if _is_hub(theirs) and _is_hub(ours) and theirs != ours:
        raise UsageError(
            f"the pieces of words of {ours}, whose network reads stream '{name}'",
            f"those of {theirs} (extractor {extractor})",
            f"Choose another streams.{name}.extractor, or model.encoders.{name}.weights={theirs}.",
        )


def _remedy(name: str, given: str, read: str) -> str:
    """Words that make the two fit.

    Of features there are too many extractors and encoders to name one.
    """
    encoders: list[str] = []
    if given != FEATURES:
        names = config_names("encoder")
        encoders = [each for each in names if read_by(load_config("encoder", each)) == given]
    extractors: list[str] = []
    if read != FEATURES:
        extractors = [each for each in config_names("extractor") if given_by(each) == read]
    words = []
    if encoders:
        numbered = f" streams.{name}.vocabulary=true" if given == WORDS else ""
        words.append(f"encoders.{name}={encoders[0]}{numbered} reads what the extractor gives")
    if extractors:
        numbered = f" streams.{name}.vocabulary=true" if read == WORDS else ""
        words.append(
            f"streams.{name}.extractor={extractors[0]}{numbered} gives what the encoder reads"
        )
    return f"{'; '.join(words) or f'Choose another streams.{name}.extractor'}."


def _check_stream_names(fusion: Mapping[str, Any], names: list[str]) -> None:
    fusion_class = located(str(fusion.get("_target_")))
    if not isinstance(fusion_class, NamedStreamsFusion):
        return
    unknown = [name for name in names if name not in fusion_class.stream_names]
    if unknown:
        raise UsageError(
            f"streams among {', '.join(fusion_class.stream_names)}, which this fusion knows",
            f"'{unknown[0]}'",
            "Name the streams so, or choose another fusion: fusion=NAME.",
        )


def _steps(settings: Settings) -> Iterator[tuple[str, Mapping[str, Any], dict[str, Any]]]:
    """What each stage (or the run, where there is none) encodes: where, encoders, streams."""
    encoders = dict((settings.get("model") or {}).get("encoders") or {})
    streams = dict(settings.get("streams") or {})
    stages = settings.get("stages") or {}
    if not stages:
        yield "", encoders, streams
    for name, stage in stages.items():
        changed = (stage or {}).get("streams") or {}
        mixed = {
            **streams,
            **{key: {**(streams.get(key) or {}), **(spec or {})} for key, spec in changed.items()},
        }
        yield f" (stage {name})", encoders | _whole((stage or {}).get("model") or {}), mixed


def _whole(model: Mapping[str, Any]) -> dict[str, Any]:
    """The encoders that a stage's model replaces as a whole.

    An argument that it changes leaves the kind of stream as it is.
    """
    encoders = model.get("encoders") or {}
    return {name: part for name, part in encoders.items() if part and "_target_" in part}


def _extractor(name: str) -> dict[str, Any] | None:
    names = config_names("extractor")
    for candidate in (name.partition("@")[0], _FINGERPRINT.sub("", name).partition("@")[0]):
        if candidate in names:
            return load_config("extractor", candidate)
    return None


def _is_hub(weights: Any) -> bool:
    """Whether weights are named as on the hub, OWNER/NAME.

    A path or a plain word is not compared.
    """
    return isinstance(weights, str) and re.fullmatch(r"[\w-]+/[\w.-]+", weights) is not None
