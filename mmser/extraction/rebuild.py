"""The extractor that made a store, built again from the store's facts and checked against them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hydra.utils import get_class

from mmser.cache.find import differences
from mmser.cache.fingerprint import is_digest, recipe_of
from mmser.cache.layout import checked_name
from mmser.composition import built, load_part
from mmser.core.bounds import check_scale
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError
from mmser.core.weights import RANDOM
from mmser.extraction.extractor_files import Named, file_of
from mmser.extractors.arguments import later_arguments
from mmser.settings.part import check_part

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore
    from mmser.runs.run_folder import RunFolder

DECODED = "decoded_frame_rate"
"""Pictures per second, in the recipe of a face store."""

_OF_DECODING = (DECODED, "decoded_pictures")
"""What decoding adds to that recipe."""

FACTOR, RANDOM_FACTOR = 100, 4
"""How far a store's parameters may be from the config's: what they say may be anybody's. Random
weights are made, not read, and a network of a hundred times the size would be too."""


def extractor_like(store: FeatureStore, run: RunFolder) -> Extractor:
    """The extractor of a run's store, with the run's ``paths.weights``.

    Raises as `extractor_of`.
    """
    return extractor_of(store.info, run.settings.paths.get("weights", "weights"), run.named_files)


def extractor_of(info: Mapping[str, Any], weights: str, named: Named | None = None) -> Extractor:
    """``configs/extractor/<name>`` with the parameters in a store's ``info``.

    A file that is known by its digest is the one ``named``, or the one that made the store where it
    still lies, or the config's in the folder ``weights``; pretrained weights are random where the
    store's were. Raises MmserError when no such file is found, or code or parameters differ from
    those the store was made with, and UsageError when the config is gone.
    """
    name = checked_name(str(info["extractor"]), "the name of an extractor")
    config = load_part("extractor", name, {"weights": weights})
    usual = {**_arguments(config), **config}
    stated = {key: value for key, value in info["parameters"].items() if key in _arguments(config)}
    config |= {
        key: value for key, value in stated.items() if key != "weights" and not is_digest(value)
    }
    for key in [key for key, value in stated.items() if is_digest(value)]:
        config[key] = str(file_of(info, key, config, (named or {}).get(name, {}).get(key)))
    newer = later_arguments(get_class(config["_target_"])) - info["parameters"].keys()
    config = {key: value for key, value in config.items() if key not in newer}
    if info.get("random_weights") and "weights" in config:
        config["weights"] = RANDOM
    check_part(config, f"extractor.{name}")
    check_scale(
        config, usual, RANDOM_FACTOR if info.get("random_weights") else FACTOR, f"extractor.{name}"
    )
    extractor: Extractor = built(config)
    _check_same(info, extractor)
    return extractor


def frame_rate_of(store: FeatureStore) -> float | None:
    """Pictures per second that were decoded for a face store, None for any other."""
    return decoded_rate(store.info)


def decoded_rate(info: Mapping[str, Any]) -> float | None:
    """`frame_rate_of` a store by its info."""
    rate: float | None = info["parameters"].get(DECODED)
    return rate


def _arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """{argument: its default}."""
    from inspect import signature

    parameters = signature(get_class(config["_target_"])).parameters.values()
    return {each.name: each.default for each in parameters}


def same_maker(info: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one extractor with the same parameters made two stores, whatever it read."""
    keys = ("class", "version", "dtype")
    alike = all(info.get(key) == other.get(key) for key in keys)
    return alike and _stated(info["parameters"]) == _stated(other["parameters"])


def _stated(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a store as its extractor states them today.

    Stores made earlier name the revision of a model of the hub beside the digest of local or random
    weights.
    """
    stated = {key: value for key, value in parameters.items() if key not in _OF_DECODING}
    if "revision" in stated and not str(stated.get("weights")).startswith("hub:"):
        stated["revision"] = None
    return stated


def _check_same(info: Mapping[str, Any], extractor: Extractor) -> None:
    name = str(info["extractor"])
    now = recipe_of(name, extractor).info()
    then = {**info, "parameters": _stated(info["parameters"])}
    keys = ("class", "version", "parameters", "dtype")
    differing_facts = differences(
        {"then": {key: then[key] for key in keys}, "now": {key: now[key] for key in keys}}
    )
    if differing_facts["now"]:
        differing = ", ".join(
            f"{key}={differing_facts['now'][key]} (there {differing_facts['then'][key]})"
            for key in differing_facts["now"]
        )
        raise MmserError(
            f"the extractor that made {name}-{info['fingerprint']}",
            f"one with {differing}",
            "Put the same weights below paths.weights, or use the version of mmser that made the "
            "store.",
        )
