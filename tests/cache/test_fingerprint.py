"""What changes a fingerprint and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmser.cache.fingerprint import Recipe, canonical, recipe_of
from mmser.core import moved_names
from mmser.core.errors import MmserError

RECIPE = Recipe("mfcc", "room.Mfcc", 1, {"window": 25.0, "deltas": True}, "float32")


def test_order_of_parameters_and_name_do_not_matter():
    again = replace(RECIPE, name="other", parameters={"deltas": True, "window": 25.0})
    assert again.fingerprint == RECIPE.fingerprint
    assert len(RECIPE.fingerprint) == 12 and set(RECIPE.fingerprint) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"window": 32.0, "deltas": True}},
        {"version": 2},
        {"maker": "room.Other"},
        {"dtype": "float16"},
        {"transcript": {"source": "whisper"}},
    ],
)
def test_everything_that_changes_values_changes_it(change: dict):
    assert replace(RECIPE, **change).fingerprint != RECIPE.fingerprint


class Weighted:
    modality = "audio"
    dtype = "float16"
    version = 3

    def __init__(self, weights: str) -> None:
        self.weights = weights

    def parameters(self) -> dict:
        return {"weights": self.weights}

    def extract(self, clips):
        return []


def test_recipe_of_reads_the_optional_attributes():
    recipe = recipe_of("w", Weighted("random"))
    assert (recipe.dtype, recipe.version, recipe.random_weights) == ("float16", 3, True)
    assert (
        recipe.maker.endswith("test_fingerprint.Weighted")
        and not recipe_of("w", Weighted("sha256:1")).random_weights
    )
    assert recipe.source == "" and replace(recipe, transcript={"source": "corpus"}).source == ""
    assert replace(recipe, transcript={"source": "whisper"}).source == "whisper"


def test_only_json_parameters():
    with pytest.raises(MmserError, match="expected parameters that are plain JSON values"):
        canonical({"window": np.float32(1)})
    with pytest.raises(MmserError, match="plain JSON values"):
        canonical({"window": float("nan")})


def test_an_unknown_dtype_is_refused():
    with pytest.raises(MmserError, match="expected dtype float16, float32"):
        recipe_of("w", Weighted("x"), dtype="bfloat16")


def test_a_cache_stays_valid_when_the_class_that_made_it_moves(monkeypatch):
    class Maker:
        def parameters(self):
            return {}

    before = recipe_of("maker", Maker())
    old = f"{Maker.__module__}.{Maker.__qualname__}"
    Maker.__module__, Maker.__qualname__ = "mmser.new", "Maker"
    assert recipe_of("maker", Maker()).fingerprint != before.fingerprint
    monkeypatch.setattr(moved_names, "MOVED", {old: "mmser.new.Maker"})
    assert recipe_of("maker", Maker()) == before
