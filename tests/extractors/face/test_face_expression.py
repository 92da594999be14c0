"""Expressions and embeddings of the face: normalised crops, statistics, missing weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from makers.clips import clip

from mmser.core.clip import Clip, Failure
from mmser.core.errors import MmserError
from mmser.extractors.face.face_embedding import FaceEmbedding
from mmser.extractors.face.face_expression import FaceExpression

BOTH = [FaceExpression, FaceEmbedding]
SIDES = [(FaceExpression, 112), (FaceEmbedding, 150)]


@pytest.mark.parametrize(("made", "side"), SIDES)
def test_pictures_are_centred_by_the_published_means(made, side: int) -> None:
    """A square clip of the network's size passes unchanged into the network."""
    frames = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    extractor = made(weights="random", crop="centre", device="cpu")
    (features,) = extractor.extract([Clip("c", frames=frames, frame_rate=3.0)])
    centred = (frames.astype(np.float32) - [122.782, 117.001, 104.298]) / 255
    pictures = torch.from_numpy(centred.astype(np.float32)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = extractor._network(pictures).numpy()
    np.testing.assert_allclose(features.values, expected, atol=1e-5)


@pytest.mark.parametrize("made", BOTH)
def test_statistics_are_those_of_the_frames_and_span_them(made) -> None:
    clips = [clip(1, 1.0), Clip("nothing")]
    frames, _ = made(weights="random", crop="centre").extract(clips)
    extractor = made(weights="random", crop="centre", statistics=True)
    statistics, absent = extractor.extract(clips)
    expected = np.concatenate([frames.values.mean(axis=0), frames.values.std(axis=0)])[None]
    assert statistics.values.shape == (1, extractor.feature_size)
    np.testing.assert_allclose(statistics.values, expected, atol=1e-6)
    assert statistics.spans.tolist() == [[0.0, pytest.approx(len(frames.values) / 3)]]
    assert absent == Failure("nothing", "no video track")


def test_the_seven_probabilities_come_first() -> None:
    (features,) = FaceExpression(weights="random", crop="centre").extract([clip(1, 1.0)])
    np.testing.assert_allclose(features.values[:, :7].sum(axis=1), 1.0, atol=1e-5)
    assert (features.values[:, 7:] >= 0).all()


@pytest.mark.parametrize(
    ("made", "name"), [(FaceExpression, "face_expression"), (FaceEmbedding, "face_embedding")]
)
def test_missing_weights_say_how_to_get_them(made, name: str) -> None:
    with pytest.raises(MmserError, match=f"mmser weights get {name}"):
        made(weights="nowhere.safetensors").parameters()
