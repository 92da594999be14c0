"""The recogniser or aligner behind a run's words, found again by what its store says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmser.cache.info import read_info
from mmser.cache.layout import INFO, TRANSCRIPT, store_directory
from mmser.composition import built, load_part
from mmser.core.bounds import check_scale
from mmser.core.configs import config_names, load_config
from mmser.core.errors import MmserError
from mmser.core.moved_names import first_name
from mmser.core.word_sources import WordSource
from mmser.extraction.word_sources import ALIGNER, TRANSCRIBER

MAKER = "maker"
"""Key under which a store's ``transcript`` facts are given those of the transcripts' maker."""
FILES = "files"
_FACTS = ("class", "parameters", FILES)
_PLACES = ("model", "weights", "revision", "device")
"""Arguments that say where a model is and runs; what it is, its digest says."""
_SCALE = 100
"""How far a whole number may be from the config's: a model folder may be anybody's."""
_MODEL_FILES = ("model.bin", "config.json")
"""What a folder of a model holds, one of them."""


def with_maker(
    transcript: Mapping[str, Any] | None, cache: Path, corpora: Sequence[str]
) -> dict[str, Any] | None:
    """The ``transcript`` facts of a feature store, with those of whatever made the transcripts.

    They are read from the transcripts' own store in the cache; without it nothing is added.
    """
    if not transcript or not transcript.get("fingerprint"):
        return None if transcript is None else dict(transcript)
    source, fingerprint = str(transcript["source"]), str(transcript["fingerprint"])
    for corpus in corpora:
        folder = store_directory(cache, corpus, TRANSCRIPT, source, fingerprint)
        if (folder / INFO).is_file():
            info = read_info(folder)
            return {**transcript, MAKER: {key: info[key] for key in _FACTS if key in info}}
    return dict(transcript)


def without_files(transcript: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The same facts without the places where files lay on this machine."""
    if not transcript or MAKER not in transcript:
        return None if transcript is None else dict(transcript)
    maker = {key: value for key, value in transcript[MAKER].items() if key != FILES}
    return {**transcript, MAKER: maker}


def remembered_source(transcript: Mapping[str, Any], weights: str) -> WordSource | None:
    """The maker in the facts of `with_maker`, every argument as it was; ``weights``: the folder.

    Its model is known by its digest. It is sought where it lay, under the name that the source has
    behind its hyphen, as the config says, and among the models beside that. None where it is not
    found, or no config is of its class.
    """
    maker = transcript.get(MAKER)
    config = _config_of(maker) if maker else None
    if maker is None or config is None:
        return None
    group, name = config
    part = load_part(group, name, {"weights": weights})
    stated = {key: maker["parameters"].get(key, value) for key, value in part.items()}
    arguments = {key: value for key, value in stated.items() if key not in (*_PLACES, "_target_")}
    _check_plain(arguments, part, f"{group}.{name}")
    for place in _places(part, maker, str(transcript["source"])):
        source: WordSource = built({**part, **arguments, **place})
        try:
            is_same = dict(source.parameters()) == dict(maker["parameters"])
        except MmserError:
            continue  # no such model there
        if is_same:
            return source
    return None


def _config_of(maker: Mapping[str, Any]) -> tuple[str, str] | None:
    """(config group, name) of the class that made a store."""
    for group in (TRANSCRIBER, ALIGNER):
        for name in config_names(group):
            if first_name(str(load_config(group, name)["_target_"])) == maker.get("class"):
                return group, name
    return None


def _check_plain(arguments: Mapping[str, Any], part: Mapping[str, Any], where: str) -> None:
    """Raise MmserError for an argument that is no plain value, or out of all proportion."""
    for key, value in arguments.items():
        if value is not None and not isinstance(value, str | int | float):
            raise MmserError(
                f"a plain value of {where}.{key}", str(value)[:80], "The config is damaged."
            )
        if isinstance(value, int):
            check_scale(value, part[key], _SCALE, f"{where}.{key}")


def _places(
    part: Mapping[str, Any], maker: Mapping[str, Any], source: str
) -> Iterator[dict[str, Any]]:
    """Arguments that may name the model, the likeliest first."""
    if "model" not in part:
        yield {}
        return
    lay = (maker.get(FILES) or {}).get("weights")
    if lay:
        yield {"model": str(lay)}
    named = source.partition("-")[2]
    if named:
        yield {"model": named}
    yield {}
    of_hub, _, commit = str(maker["parameters"].get("weights")).removeprefix("hub:").partition("@")
    if commit and "revision" in part:
        yield {"model": of_hub, "revision": commit}
    folder = Path(str(part["weights"]))
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        is_folder = any((path / name).is_file() for name in _MODEL_FILES)
        if path.suffix == ".pt" or is_folder:
            yield {"model": str(path)}
