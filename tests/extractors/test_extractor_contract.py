"""What every config in configs/extractor promises, with random weights where weights are needed."""

from __future__ import annotations

import dataclasses
import importlib
import json
import typing
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pkgutil import iter_modules
from types import UnionType
from typing import Any

import numpy as np
import pytest
from hydra.utils import instantiate
from makers.clips import clip
from omegaconf import OmegaConf

from mmser.core.clip import Clip, Failure, Features
from mmser.core.configs import config_names, load_config
from mmser.core.contracts import Extractor

NAMES = config_names("extractor")
TOLERANCE = {"atol": 2e-5, "rtol": 1e-4}
BFLOAT16 = {"atol": 0.02, "rtol": 0.02}
# 32 layers over windows of 30 s take minutes on a CPU; smaller encoders are tested on whole windows.
SHORT = {"short_window": 1.0}
LIGHTER = {"whisper_large_v3": SHORT, "whisper_large_v3_statistics": SHORT}
IMPOSSIBLE = {"audio": "no audio track", "text": "empty transcript", "face": "no video track"}


def built(name: str, **changes: Any) -> Any:
    """The extractor of a config, weights=random where it has weights."""
    config = load_config("extractor", name) | LIGHTER.get(name, {}) | changes
    if "weights" in config and "weights" not in changes:
        config["weights"] = "random"
    whole = OmegaConf.create({"paths": {"weights": "weights"}, "extractor": config})
    return instantiate(whole.extractor, _convert_="all")


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Module scope makes pytest run all tests of one config together, so that its models are built
    once.
    """
    return request.param


@pytest.fixture(scope="module")
def extractor(name: str) -> Any:
    return built(name)


def test_batch_equals_single_and_both_are_finite_and_of_the_stated_size(
    name: str, extractor: Any
) -> None:
    clips = [clip(1, 0.7), Clip("nothing"), clip(2, 0.4)]
    together = extractor.extract(clips)
    assert isinstance(extractor, Extractor)
    assert together[1] == Failure("nothing", IMPOSSIBLE[extractor.modality])
    timeless = name == "characters" or name.endswith(("_functionals", "_dialogue"))
    for position in (0, 2):
        features = together[position]
        assert isinstance(features, Features), features
        assert features.values.dtype == (np.int32 if extractor.dtype == "int32" else np.float32)
        assert np.isfinite(features.values).all()
        assert len(features.values) > 0
        size = features.values.shape[-1] if features.values.ndim > 1 else 1
        assert size == extractor.feature_size
        assert (features.frame_rate is None and features.spans is None) == timeless
    (alone,) = extractor.extract([clips[2]])
    tolerance = BFLOAT16 if getattr(extractor, "precision", "float32") == "bfloat16" else TOLERANCE
    np.testing.assert_allclose(alone.values, together[2].values, **tolerance)


def test_threads_do_not_disturb_each_other(extractor: Any) -> None:
    batches = [[clip(0, 0.3), clip(1, 0.4)], [clip(2, 0.5)], [clip(3, 0.2)]]
    expected = [extractor.extract(batch) for batch in batches]
    with ThreadPoolExecutor(len(batches)) as pool:
        found = list(pool.map(extractor.extract, batches))
    for one, other in zip(chain.from_iterable(found), chain.from_iterable(expected), strict=True):
        np.testing.assert_array_equal(one.values, other.values)


def test_parameters_are_json_and_say_random(extractor: Any) -> None:
    parameters = json.loads(json.dumps(extractor.parameters()))
    assert parameters["extractor"]
    is_random = extractor.checkpoint is not None and extractor.checkpoint.is_random
    assert is_random == (parameters.get("weights") == "random")


def test_sound_has_a_rate_and_nothing_else_has(extractor: Any) -> None:
    assert (extractor.sample_rate is not None) == (extractor.modality == "audio")


def test_silence_and_less_than_a_window_stay_finite(extractor: Any) -> None:
    if extractor.modality != "audio":
        pytest.skip("audio alone has a level")
    silent = Clip("silent", np.zeros(4000, dtype=np.float32))
    shortest = Clip("short", np.full(30, 0.1, dtype=np.float32))
    broken = Clip("broken", np.array([0.1, np.nan], dtype=np.float32))
    empty = Clip("empty", np.zeros(0, dtype=np.float32))
    results = extractor.extract([silent, shortest, broken, empty])
    for features in results[:2]:
        assert np.isfinite(features.values).all()
        assert len(features.values) > 0
    assert [result.reason for result in results[2:]] == ["not finite", "zero length"]


ONE_OF_EACH_CLASS = sorted(
    {load_config("extractor", name)["_target_"]: name for name in reversed(NAMES)}.values()
)


@pytest.mark.parametrize("chosen", ONE_OF_EACH_CLASS)
def test_another_instance_gives_the_same_values(chosen: str) -> None:
    first, second = (built(chosen).extract([clip(3)])[0] for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)


def test_decoder_failures_are_carried() -> None:
    seen = Failure("x", "undecodable", "bad packet")
    lost = Clip("x", failures=(Failure("x", "no video track"), seen))
    assert built("mfcc40").extract([lost]) == [seen]
    assert built("words").extract([Clip("x", failures=(Failure("x", "no face"),))])[0].reason == (
        "empty transcript"
    )


def other_value(name: str, hint: Any, value: Any) -> Any:
    """A value of the same type that differs."""
    if name in ("coefficients", "difference_order"):
        return value - 1 if value else 1
    if name == "fft":
        return 2048
    if name == "model_type":  # no kind is named that another extractor could not read
        return "hubert"
    options = [hint, *typing.get_args(hint)] if isinstance(hint, UnionType) else [hint]
    for option in options:
        if typing.get_origin(option) is typing.Literal:
            return next(choice for choice in typing.get_args(option) if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return {int: 7, float: 1.5, str: "0" * 40}.get(options[1], ("*",))


TARGETS = {load_config("extractor", name)["_target_"] for name in NAMES}
CLASSES = sorted(target for target in TARGETS if target.startswith("mmser.extractors."))
"""Without `Disturbed`, which is an extractor around one of these."""


@pytest.mark.parametrize("target", CLASSES)
def test_parameters_change_with_every_argument_that_has_an_effect(target: str) -> None:
    module, _, name = target.rpartition(".")
    loaded = importlib.import_module(module)
    made = getattr(loaded, name)
    base = made(weights="random") if "weights" in made.__dataclass_fields__ else made()
    if name == "OpenSmile":
        base = made(level="LowLevelDescriptors")
    hints = typing.get_type_hints(made)
    for field in dataclasses.fields(base):
        if field.name in ("weights", "revision"):  # random weights have no revision
            continue
        value = other_value(field.name, hints[field.name], getattr(base, field.name))
        changed = dataclasses.replace(base, **{field.name: value})
        has_effect = not field.metadata.get("without_effect")
        assert (changed.parameters() != base.parameters()) == has_effect, field.name


def test_building_and_parameters_load_no_model() -> None:
    for name in NAMES:
        extractor = built(name)
        extractor.parameters()
        assert not {"_model", "_network", "_file", "_smiles"} & set(vars(extractor)), name


def test_every_module_of_the_room_has_a_config() -> None:
    used = {target.rpartition(".")[0] for target in CLASSES}
    rooms = [
        importlib.import_module(f"mmser.extractors.{room}") for room in ("audio", "text", "face")
    ]
    written = {
        f"{room.__name__}.{module.name}" for room in rooms for module in iter_modules(room.__path__)
    }
    assert written == used
