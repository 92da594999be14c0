"""What changes a fingerprint and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmser.cache.fingerprint import _MEMBERS, Recipe, canonical, recipe_of, transcriber_recipe
from mmser.core import moved_names
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError
from mmser.core.weights import Weights

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
    gives = "features"
    feature_size = 4
    version = 3
    sample_rate = 16_000

    def __init__(self, weights: str, dtype: str = "float16") -> None:
        self.checkpoint = Weights(weights)
        self.dtype = dtype

    def parameters(self) -> dict:
        return {"weights": self.checkpoint.source}

    def extract(self, clips):
        return []


def test_recipe_of_reads_what_an_extractor_states():
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
        recipe_of("w", Weighted("x", "bfloat16"))


def test_an_extractor_that_lacks_a_member_is_refused_with_its_name():
    without_version = {
        name: value for name, value in vars(Weighted).items() if name not in ("version", "__dict__")
    }
    forgetful = type("Forgetful", (), without_version)
    with pytest.raises(MmserError, match="in extractor w; found no version"):
        recipe_of("w", forgetful("x"))


def test_the_members_asked_for_are_those_of_the_contract():
    stated = {name for name, member in vars(Extractor).items() if isinstance(member, property)}
    assert set(_MEMBERS) == stated


def test_a_file_known_by_its_digest_is_remembered_by_where_it_lies(tmp_path):
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"numbers")

    class Digested(Weighted):
        def parameters(self) -> dict:
            return {"weights": self.checkpoint.identity, "size": 4}

    assert recipe_of("w", Digested(str(file))).files == {"weights": str(file.resolve())}
    assert recipe_of("w", Weighted("random")).files == {}


def test_a_transcribers_recipe_is_known_by_its_source():
    class Recogniser:
        name = "asr"

        def parameters(self) -> dict:
            return {"beam": 1}

        def transcribe(self, waveforms):
            return []

    recipe = transcriber_recipe("transcript", Recogniser(), "asr")
    assert (recipe.source, recipe.version, recipe.dtype) == ("asr", 1, "float32")
    assert recipe.fingerprint != transcriber_recipe("transcript", Recogniser(), "b").fingerprint


def test_a_cache_stays_valid_when_the_class_that_made_it_moves(monkeypatch):
    class Maker(Weighted):
        pass

    maker = Maker("x")
    before = recipe_of("maker", maker)
    old = f"{Maker.__module__}.{Maker.__qualname__}"
    Maker.__module__, Maker.__qualname__ = "mmser.new", "Maker"
    assert recipe_of("maker", maker).fingerprint != before.fingerprint
    monkeypatch.setattr(moved_names, "MOVED", {old: "mmser.new.Maker"})
    assert recipe_of("maker", maker) == before
