"""VideoMAE over windows of frames: transformers' own numbers, and the times of the windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from makers.picture_checkpoint import LABELS, SIDE, picture_checkpoint, processor_of

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.face.video_encoder import VideoEncoder, window_rows
from mmser.extractors.pictures.recipe import Pictures

TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}


def made(folder: Path, **options: Any) -> VideoEncoder:
    return VideoEncoder(
        weights=str(folder), size=16, image_size=SIDE, crop="centre", device="cpu", window=4, hop=2,
        rate=4.0, **options,
    )  # fmt: skip


def filmed(count: int, seed: int = 0) -> Clip:
    frames = np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    return Clip(f"c{seed}", frames=frames, frame_rate=4.0)


def prepared(video: list[np.ndarray]) -> Any:
    frames = [torch.from_numpy(frame).permute(2, 0, 1) for frame in video]
    return processor_of("VideoMAE")(frames, return_tensors="pt")["pixel_values"]


@pytest.mark.parametrize("network", ["VideoMAEModel", "VideoMAEForPreTraining"])
def test_a_window_is_the_mean_of_its_tokens(tmp_path: Path, network: str) -> None:
    model = picture_checkpoint(tmp_path, "VideoMAE", network)
    seen = filmed(7)
    (features,) = made(tmp_path).extract([seen])
    encoder = getattr(model, "videomae", model)
    for row, start in enumerate([0, 2, 3]):
        with torch.inference_mode():
            tokens = encoder(prepared(list(seen.frames[start : start + 4]))).last_hidden_state
        expected = tokens.mean(dim=1)[0].numpy()
        assert expected.std() > 0.01
        np.testing.assert_allclose(features.values[row], expected, **TOLERANCE)
    assert features.spans.tolist() == [[0.0, 1.0], [0.5, 1.5], [0.75, 1.75]]


def test_a_classifier_gives_its_probabilities_and_what_they_are_read_from(tmp_path: Path) -> None:
    model = picture_checkpoint(tmp_path, "VideoMAE", "VideoMAEForVideoClassification", labels=True)
    seen = filmed(4)
    (features,) = made(tmp_path, labels=LABELS).extract([seen])
    with torch.inference_mode():
        logits = model(prepared(list(seen.frames))).logits
        again = model.classifier(torch.from_numpy(features.values[:, 3:]))
    np.testing.assert_allclose(features.values[:, :3], logits.softmax(dim=1).numpy(), **TOLERANCE)
    np.testing.assert_allclose(again.numpy(), logits.numpy(), **TOLERANCE)


def test_no_result_depends_on_the_clips_beside_it(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "VideoMAE", "VideoMAEModel")
    clips = [filmed(9, seed=1), filmed(2, seed=2), filmed(4, seed=3)]
    together = made(tmp_path).extract(clips)
    for each, one in zip(clips, together, strict=True):
        (alone,) = made(tmp_path, batch_size=1).extract([each])
        np.testing.assert_allclose(one.values, alone.values, **TOLERANCE)
        np.testing.assert_array_equal(one.spans, alone.spans)


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        (1, [[0, 0, 0, 0]]),
        (3, [[0, 1, 2, 2]]),
        (4, [[0, 1, 2, 3]]),
        (5, [[0, 1, 2, 3], [1, 2, 3, 4]]),
        (6, [[0, 1, 2, 3], [2, 3, 4, 5]]),
    ],
)
def test_windows_cover_all_pictures(pictures: int, expected: list[list[int]]) -> None:
    assert window_rows(pictures, window=4, hop=2).tolist() == expected


def test_a_window_spans_the_pictures_without_a_face_within_it(tmp_path: Path) -> None:
    spans = np.array([[0, 1], [1, 2], [4, 5], [5, 6], [6, 7]], dtype=np.float32) / 4
    pictures = Pictures(torch.zeros(5, 3, SIDE, SIDE), 4.0, spans, "")
    windows = made(tmp_path)._windows(pictures)
    assert windows.rows.tolist() == [[0, 1, 2, 3], [1, 2, 3, 4]]
    assert windows.spans.tolist() == [[0.0, 1.5], [0.25, 1.75]]


def test_a_clip_shorter_than_a_window_ends_with_its_last_picture(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "VideoMAE", "VideoMAEModel")
    (features,) = made(tmp_path).extract([filmed(3)])
    assert features.spans.tolist() == [[0.0, 0.75]]


def test_another_window_than_the_checkpoints_is_refused(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "VideoMAE", "VideoMAEModel")
    other = VideoEncoder(
        weights=str(tmp_path), size=16, image_size=SIDE, window=6, crop="centre", hop=2
    )
    with pytest.raises(MmserError, match="`window` too"):
        other.extract([filmed(6)])


def test_a_network_of_single_pictures_is_refused(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "ViT", "ViTModel")
    with pytest.raises(MmserError, match="model_type vit"):
        made(tmp_path).extract([filmed(4)])


def test_a_hop_that_leaves_pictures_out_is_refused() -> None:
    with pytest.raises(MmserError, match="window=16, hop=17"):
        VideoEncoder(hop=17)
