"""Saving and loading what was fitted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.scaling import Scaler, SpeakerScaler, fit_scale
from mmser.data.transforms import Transforms
from mmser.data.vocabulary import Vocabulary

FRAMES = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
HASHES = np.array([-(2**60), 5, 2**60])


def transforms() -> Transforms:
    speakers = SpeakerScaler({"b/2": fit_scale([FRAMES * 2 + 1]), "a/1": fit_scale([FRAMES])})
    return Transforms(
        {"audio": Scaler(fit_scale([FRAMES])), "face": speakers, "text": Vocabulary(HASHES)}
    )


def test_a_round_trip_changes_no_bit(tmp_path):
    transforms().save(tmp_path / "fold" / "transforms")
    assert sorted(p.name for p in (tmp_path / "fold").iterdir()) == [
        "transforms.json",
        "transforms.safetensors",
    ]
    again = Transforms.load(tmp_path / "fold" / "transforms")
    for speaker in ("a/1", "b/2"):
        for stream in ("audio", "face"):
            expected = transforms().apply(stream, FRAMES, speaker)
            assert np.array_equal(again.apply(stream, FRAMES, speaker), expected)
    assert again.apply("text", HASHES).tolist() == [2, 3, 4]
    assert again.vocabulary_sizes() == {"text": 5}
    assert (
        json.loads((tmp_path / "fold" / "transforms.json").read_text())["streams"]["text"]
        == "vocabulary"
    )


def test_nothing_fitted_round_trips_too(tmp_path):
    Transforms().save(tmp_path / "transforms")
    assert Transforms.load(tmp_path / "transforms").streams == {}


def test_untransformed_streams_keep_their_kind():
    assert Transforms().apply("audio", FRAMES.astype(np.float16)).dtype == np.float32
    assert Transforms().apply("text", np.array([1, 2], np.int32)).dtype == np.int64


def test_missing_files_are_named(tmp_path):
    with pytest.raises(
        MmserError, match=r"saved transforms of a fold; found no file .*transforms\.json"
    ):
        Transforms.load(tmp_path / "transforms")
