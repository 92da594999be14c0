"""Expressions and embeddings of the face: normalised crops, statistics, missing weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from makers.clips import clip

from mmser.core.clip import Clip, Failure
from mmser.core.errors import MmserError
from mmser.extractors.face.face_api import FaceApi

SIDES = [("expression", 112), ("embedding", 150), ("description", 224), ("age_gender", 224)]
NETWORKS = list(dict(SIDES))
FACE_API = ([122.782, 117.001, 104.298], 255)
FACERES = ([123.68, 116.779, 103.939], 1)
COLOURS = {
    "expression": FACE_API,
    "embedding": FACE_API,
    "description": FACERES,
    "age_gender": FACERES,
}
PLACED = [("expression", "face_expression"), ("embedding", "face_embedding"),
          ("description", "faceres"), ("age_gender", "faceres")]  # fmt: skip


def made(network: str, **options) -> FaceApi:
    return FaceApi(network=network, image_size=dict(SIDES)[network], crop="centre", **options)


@pytest.mark.parametrize(("network", "side"), SIDES)
def test_pictures_are_centred_by_the_published_means(network: str, side: int) -> None:
    """A square clip of the network's size passes unchanged into the network."""
    frames = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    extractor = made(network, weights="random", device="cpu")
    (features,) = extractor.extract([Clip("c", frames=frames, frame_rate=3.0)])
    mean, deviation = COLOURS[network]
    centred = (frames.astype(np.float32) - mean) / deviation
    pictures = torch.from_numpy(centred.astype(np.float32)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = extractor._model(pictures).numpy()
    np.testing.assert_allclose(features.values, expected, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_statistics_are_those_of_the_frames_and_span_them(network: str) -> None:
    clips = [clip(1, 1.0), Clip("nothing")]
    frames, _ = made(network, weights="random").extract(clips)
    extractor = made(network, weights="random", statistics=True)
    statistics, absent = extractor.extract(clips)
    expected = np.concatenate([frames.values.mean(axis=0), frames.values.std(axis=0)])[None]
    assert statistics.values.shape == (1, extractor.feature_size)
    np.testing.assert_allclose(statistics.values, expected, rtol=1e-6, atol=1e-6)
    assert statistics.spans.tolist() == [[0.0, pytest.approx(len(frames.values) / 3)]]
    assert absent == Failure("nothing", "no video track")


def test_the_seven_probabilities_come_first() -> None:
    (features,) = made("expression", weights="random").extract([clip(1, 1.0)])
    np.testing.assert_allclose(features.values[:, :7].sum(axis=1), 1.0, atol=1e-5)
    assert (features.values[:, 7:] >= 0).all()


@pytest.mark.parametrize(("network", "placed"), PLACED)
def test_missing_weights_say_how_to_get_them(network: str, placed: str) -> None:
    with pytest.raises(MmserError, match=f"mmser weights get {placed}"):
        made(network, weights="nowhere.safetensors").parameters()


def test_another_network_is_refused() -> None:
    with pytest.raises(
        MmserError, match="expression or embedding or description or age_gender; found 'age'"
    ):
        FaceApi(network="age")
