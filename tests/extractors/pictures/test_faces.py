"""MTCNN for real, on the portrait in matplotlib's wheel and, where MMSER_DATA is set, on talking
faces.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from makers.clips import portrait

from mmser.core.clip import Clip, Failure
from mmser.core.errors import MmserError
from mmser.extractors.face.inception_resnet import InceptionResnet
from mmser.extractors.face.resnet import ResNet
from mmser.extractors.pictures.faces import FaceFinder, Faces, _speakers_box, crop, squared
from mmser.extractors.pictures.mtcnn import Cascade, Cutter
from mmser.extractors.pictures.recipe import PictureRecipe

CPU = torch.device("cpu")
FACE = (94, 64, 174, 166)
"""Left, top, right, bottom of the face in `portrait`, read off the picture."""


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    both = np.prod(np.maximum(high - low, 0))
    area = np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - both
    return float(both / area)


def moving(count: int) -> np.ndarray:
    """(time, height, width, 3): the portrait moving right by two pixels a frame."""
    return np.stack([np.roll(portrait(), 2 * step, axis=1) for step in range(count)])


def finder(scale: float = 1.0, every: int = 1) -> FaceFinder:
    return FaceFinder(scale=scale, every=every, smallest=40, score=0.9, device=CPU)


def found(finder: FaceFinder, frames: np.ndarray) -> Faces:
    (faces,) = finder.find(torch.from_numpy(frames), [len(frames)])
    return faces


def test_the_face_is_found_and_followed() -> None:
    faces = found(finder(), moving(3))
    assert faces.visible.all()
    assert faces.counts.tolist() == [1, 1, 1]
    assert overlap(faces.boxes[0], np.array(FACE)) > 0.6
    np.testing.assert_allclose(faces.boxes[2, 0] - faces.boxes[0, 0], 4, atol=3)
    assert faces.notes() == ""


def test_half_size_and_refined_boxes_agree_with_full_detection() -> None:
    frames = moving(4)
    exact = found(finder(), frames)
    coarse = found(finder(scale=0.5, every=4), frames)
    assert coarse.visible.all()
    assert min(overlap(a, b) for a, b in zip(exact.boxes, coarse.boxes, strict=True)) > 0.7


def test_a_frame_whose_refined_box_holds_no_face_is_detected_anew() -> None:
    frames = moving(3)
    frames[1] = np.roll(portrait(), (60, 90), axis=(0, 1))
    faces = found(finder(every=3), frames)
    assert faces.visible[1]
    assert overlap(faces.boxes[1], np.array(FACE) + np.array([90, 60, 90, 60])) > 0.5


def test_frames_without_a_face_are_left_out_and_spans_tell() -> None:
    frames = moving(3)
    frames[1] = 128
    pictures = PictureRecipe().pictures(Clip("x", frames=frames, frame_rate=3.0), CPU)
    assert pictures.values.shape == (2, 3, 224, 224)
    np.testing.assert_allclose(pictures.spans, [[0, 1 / 3], [2 / 3, 1]], atol=1e-6)
    assert pictures.notes == "no face in 1 of 3 frames"


def test_no_face_at_all_is_a_failure() -> None:
    grey = Clip("x", frames=np.full((2, 120, 120, 3), 128, dtype=np.uint8), frame_rate=3.0)
    tiny = Clip("y", frames=np.full((2, 16, 16, 3), 128, dtype=np.uint8), frame_rate=3.0)
    made = ResNet(weights="random", device="cpu")
    assert made.extract([grey, tiny]) == [
        Failure("x", "no face", "in 2 frames"),
        Failure("y", "no face", "in 2 frames"),
    ]


@pytest.mark.parametrize("shape", [(90, 120), (47, 31)])
def test_boxes_cut_all_at_once_are_those_cut_one_by_one(shape: tuple[int, int]) -> None:
    generator = torch.manual_seed(0)
    pictures = torch.randint(0, 256, (3, 3, *shape), generator=generator).float()
    corners = torch.rand(40, 2, 2, generator=generator) * 200 - 50
    boxes = torch.cat([corners.amin(dim=1), corners.amax(dim=1)], dim=1)
    rows = torch.arange(40) % 3
    together, alone = Cutter(pictures, sums=True), Cutter(pictures, sums=False)
    bounds = together.bounds(boxes)
    inside = (bounds[:, 2:] > bounds[:, :2]).all(dim=1)
    assert 10 < inside.sum() < 40
    for side in (24, 48):
        cut = together.cut(bounds[inside], rows[inside], side)
        assert torch.equal(cut, alone.cut(bounds[inside], rows[inside], side))


def test_the_cascade_is_facenet_pytorchs() -> None:
    from facenet_pytorch import MTCNN

    frames = torch.from_numpy(np.concatenate([moving(2), moving(1)[:, :, ::-1].copy()]))
    boxes, scores = MTCNN(min_face_size=20, keep_all=True).eval().detect(frames)
    mine, score, rows = Cascade(20, CPU).detect(frames)
    assert len(mine) >= 3
    for number in range(len(frames)):
        own = rows == number
        order = np.argsort(-scores[number].astype(np.float32))
        np.testing.assert_array_equal(score[own], scores[number].astype(np.float32)[order])
        np.testing.assert_array_equal(mine[own], boxes[number].astype(np.float32)[order])


def test_clips_together_have_the_faces_of_each_alone() -> None:
    clips = [moving(3), np.full((2, *portrait().shape), 128, np.uint8), moving(5)[3:], moving(1)]
    looks = finder(every=2)
    together = looks.find(torch.from_numpy(np.concatenate(clips)), [len(clip) for clip in clips])
    for faces, clip in zip(together, clips, strict=True):
        alone = found(looks, clip)
        np.testing.assert_allclose(faces.boxes, alone.boxes, atol=1e-3)
        assert faces.counts.tolist() == alone.counts.tolist()


def test_the_larger_face_wins_unless_it_stands_at_the_rim() -> None:
    large, small = np.array([20, 20, 80, 80.0]), np.array([110, 50, 150, 90.0])
    assert _speakers_box(np.stack([small, large]), 200, 120).tolist() == large.tolist()
    rim, central = np.array([0, 0, 50, 50.0]), np.array([76, 36, 124, 84.0])
    assert _speakers_box(np.stack([rim, central]), 200, 120).tolist() == central.tolist()


def test_notes_count_frames_with_several_faces() -> None:
    faces = Faces(np.zeros((3, 4), dtype=np.float32), np.array([1, 3, 2]))
    assert faces.notes() == "up to 3 faces in 2 of 3 frames"


def test_a_crop_is_the_square_around_the_box_black_outside() -> None:
    picture = torch.arange(64.0).reshape(1, 1, 8, 8).repeat(1, 3, 1, 1)
    square = squared(torch.tensor([[2.0, 2.0, 6.0, 4.0]]), margin=0.0)
    assert square.tolist() == [[2.0, 1.0, 6.0, 5.0]]
    cut = crop(picture, square, 4)
    np.testing.assert_allclose(cut[0, 0], picture[0, 0, 1:5, 2:6], atol=1e-4)
    assert crop(picture, torch.tensor([[-20.0, -20.0, -10.0, -10.0]]), 4).abs().max() == 0


def test_amh_recipe_takes_the_centre_pixel_for_pixel() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (40, 240, 360, 3), dtype=np.uint8)
    recipe = PictureRecipe(crop="centre", limit=32)
    pictures = recipe.pictures(Clip("x", frames=frames, frame_rate=3.0), CPU)
    assert pictures.values.shape == (32, 3, 224, 224)
    np.testing.assert_array_equal(pictures.values[5].permute(1, 2, 0), frames[5, 8:232, 68:292])
    small = recipe.pictures(Clip("x", frames=frames[:1, :100, :150], frame_rate=3.0), CPU)
    assert small.values.shape == (1, 3, 224, 224)


def test_frames_are_thinned_to_the_rate() -> None:
    frames = np.repeat(np.arange(50, dtype=np.uint8)[:, None, None, None], 3, axis=3) + np.zeros(
        (1, 8, 8, 1), np.uint8
    )
    recipe = PictureRecipe(crop="centre", image_size=8)
    pictures = recipe.pictures(Clip("x", frames=frames, frame_rate=25.0), CPU)
    assert pictures.values[:, 0, 0, 0].tolist() == [0, 8, 16, 25, 33, 41]
    assert pictures.frame_rate == 3.0


def test_published_weights_are_read_and_missing_ones_named(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    torch.manual_seed(0)
    network = resnet18().eval()
    torch.save(network.state_dict(), tmp_path / "resnet18.pth")
    file = str(tmp_path / "resnet18.pth")
    made = ResNet(weights=file, architecture="resnet18", size=512, crop="centre", device="cpu")
    frames = np.random.default_rng(0).integers(0, 255, (2, 224, 224, 3), dtype=np.uint8)
    values = made.extract([Clip("x", frames=frames, frame_rate=3.0)])[0].values
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pictures = ((torch.from_numpy(frames) / 255 - mean) / deviation).permute(0, 3, 1, 2)
    network.fc = torch.nn.Identity()
    with torch.inference_mode():
        np.testing.assert_allclose(values, network(pictures).numpy(), rtol=1e-3, atol=1e-4)
    assert made.parameters()["weights"].startswith("sha256:")
    gone = ResNet(weights=str(tmp_path / "none.pth"))
    with pytest.raises(
        MmserError, match=r"the weights of torchvision's resnet101.*resnet101-63fe2227\.pth"
    ):
        gone.parameters()
    with pytest.raises(
        MmserError,
        match=r"the tensors of resnet34 in .*resnet18\.pth; found no layer1.*`architecture`",
    ):
        ResNet(weights=file, architecture="resnet34", size=512)._network  # noqa: B018
    with pytest.raises(
        MmserError, match=r"the tensors of InceptionResnetV1 in .*resnet18\.pth; .*; no place for"
    ):
        InceptionResnet(weights=file)._network  # noqa: B018
    with pytest.raises(MmserError, match="resnet18 of size 2048; found size 512"):
        ResNet(weights=file, architecture="resnet18").extract(
            [Clip("x", frames=frames, frame_rate=3.0)]
        )


@pytest.mark.real_data
@pytest.mark.skipif(
    "MMSER_DATA" not in os.environ, reason="MMSER_DATA is not set: no talking faces to look at"
)
def test_talking_faces_are_found() -> None:
    import av

    for path in sorted((Path(os.environ["MMSER_DATA"]) / "clips" / "grid").glob("*.mpg"))[:3]:
        with av.open(str(path)) as media:
            frame = next(iter(media.decode(video=0))).to_ndarray(format="rgb24")
        faces = found(finder(), frame[None])
        assert faces.counts.tolist() == [1], path
