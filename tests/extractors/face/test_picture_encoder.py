"""Picture networks of the hub on tiny checkpoints of each kind: transformers' own numbers."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from makers.clips import clip
from makers.picture_checkpoint import LABELS, SIDE, picture_checkpoint, processor_of
from safetensors.torch import load_file, save_file

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.face.picture_encoder import PictureEncoder

ENCODERS = [
    ("CLIP", "CLIPModel"),
    ("CLIPVision", "CLIPVisionModel"),
    ("Siglip", "SiglipModel"),
    ("SiglipVision", "SiglipVisionModel"),
    ("Dinov2", "Dinov2Model"),
    ("Dinov2WithRegisters", "Dinov2WithRegistersModel"),
    ("ViT", "ViTModel"),
    ("ResNet", "ResNetModel"),
    ("ConvNext", "ConvNextModel"),
    ("Swin", "SwinModel"),
]
CLASSIFIERS = ["CLIP", "Siglip", "ViT", "DeiT", "Beit", "Dinov2", "Dinov2WithRegisters", "Swin", "Swinv2", "ResNet",
               "RegNet", "ConvNext", "ConvNextV2", "MobileNetV2"]  # fmt: skip
TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}


def made(folder: Path, size: int = 16, **options: Any) -> PictureEncoder:
    return PictureEncoder(
        weights=str(folder), size=size, image_size=SIDE, crop="centre", device="cpu", **options
    )


def frames(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def prepared(family: str, pictures: np.ndarray) -> Any:
    """(picture, 3, side, side) as the checkpoint's own processor makes them."""
    channels_first = [torch.from_numpy(picture).permute(2, 0, 1) for picture in pictures]
    return processor_of(family)(channels_first, return_tensors="pt")["pixel_values"]


@pytest.mark.parametrize(("family", "network"), ENCODERS)
def test_an_encoder_gives_the_vector_of_the_whole_picture(
    tmp_path: Path, family: str, network: str
) -> None:
    model = picture_checkpoint(tmp_path, family, network)
    seen = frames(3)
    (features,) = made(tmp_path).extract([Clip("c", frames=seen, frame_rate=3.0)])
    encoder = getattr(model, "vision_model", model) if family in ("CLIP", "Siglip") else model
    with torch.inference_mode():
        output = encoder(pixel_values=prepared(family, seen))
    expected = (
        output.last_hidden_state[:, 0] if family == "ViT" else output.pooler_output.flatten(1)
    )
    assert expected.std() > 0.01
    np.testing.assert_allclose(features.values, expected.numpy(), **TOLERANCE)
    assert features.frame_rate == 3.0


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_a_classifier_gives_its_probabilities_and_what_they_are_read_from(
    tmp_path: Path, family: str
) -> None:
    model = picture_checkpoint(tmp_path, family, f"{family}ForImageClassification", labels=True)
    linear = [layer for layer in model.classifier.modules() if isinstance(layer, torch.nn.Linear)][
        -1
    ]
    seen = frames(3)
    extractor = made(tmp_path, size=linear.in_features, labels=LABELS)
    (features,) = extractor.extract([Clip("c", frames=seen, frame_rate=3.0)])
    with torch.inference_mode():
        logits = model(pixel_values=prepared(family, seen)).logits
        again = linear(torch.from_numpy(features.values[:, 3:]))
    expected = logits.softmax(dim=1).numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(features.values[:, :3], expected, **TOLERANCE)
    np.testing.assert_allclose(again.numpy(), logits.numpy(), atol=1e-4, rtol=1e-4)


def test_clips_share_a_pass_and_no_result_depends_on_it(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "ResNet", "ResNetForImageClassification", labels=True)
    clips = [Clip(str(n), frames=frames(n + 1, seed=n), frame_rate=3.0) for n in range(4)]
    extractor = made(tmp_path, labels=LABELS)
    passes: list[int] = []
    extractor._model.register_forward_pre_hook(lambda _, pictures: passes.append(len(pictures[0])))
    together = extractor.extract(clips)
    assert passes == [10]
    singly = made(tmp_path, labels=LABELS, batch_size=1).extract(clips)
    for one, alone in zip(together, singly, strict=True):
        np.testing.assert_allclose(one.values, alone.values, **TOLERANCE)


def test_the_whole_frame_is_squeezed_into_a_square(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "Dinov2", "Dinov2Model")
    tall = np.repeat(frames(2), 3, axis=1)
    scene = PictureEncoder(weights=str(tmp_path), size=16, image_size=SIDE, crop="frame")
    squares = torch.nn.functional.interpolate(
        torch.from_numpy(tall).permute(0, 3, 1, 2).float(),
        (SIDE, SIDE),
        mode="bilinear",
        antialias=True,
    )
    found = scene.pictures(Clip("c", frames=tall, frame_rate=3.0), torch.device("cpu"))
    torch.testing.assert_close(found.values, squares)
    assert scene.parameters()["crop"] == "frame"
    assert scene.extract([Clip("c", frames=tall, frame_rate=3.0)])[0].values.shape == (2, 16)


def test_reading_the_pictures_side_of_clip_logs_no_list_of_the_words_side(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture_checkpoint(tmp_path, "CLIP", "CLIPModel")
    logger = logging.getLogger("transformers")
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "level", logging.WARNING)
    made(tmp_path).extract([clip(1, 1.0)])
    assert not [record for record in caplog.records if "text_model" in record.getMessage()]
    assert logger.level == logging.WARNING


def test_statistics_and_a_missing_clip(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "CLIP", "CLIPModel")
    clips = [clip(1, 1.0), Clip("nothing")]
    rows, _ = made(tmp_path).extract(clips)
    summary, absent = made(tmp_path, statistics=True).extract(clips)
    expected = np.concatenate([rows.values.mean(axis=0), rows.values.std(axis=0)])[None]
    np.testing.assert_allclose(summary.values, expected, atol=1e-6)
    assert absent.reason == "no video track"


def test_other_classes_than_stated_are_refused_with_those_of_the_config(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "ViT", "ViTForImageClassification", labels=True)
    with pytest.raises(MmserError, match=r"happy, angry.*found angry, happy, neutral"):
        made(tmp_path, labels=("happy", "angry")).extract([clip(1, 1.0)])


def test_classes_of_a_network_without_any_are_refused(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "Dinov2", "Dinov2Model")
    with pytest.raises(MmserError, match="Dinov2Model, which has none"):
        made(tmp_path, labels=LABELS).extract([clip(1, 1.0)])


def test_another_network_than_stated_is_refused(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "Dinov2", "Dinov2Model")
    with pytest.raises(MmserError, match=r"checkpoint of clip in .*found model_type dinov2"):
        made(tmp_path, model_type="clip").extract([clip(1, 1.0)])
    with pytest.raises(MmserError, match="found 'dino'"):
        made(tmp_path, model_type="dino").extract([clip(1, 1.0)])


def test_a_network_of_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(MmserError, match="model_type bert"):
        made(tmp_path).extract([clip(1, 1.0)])


def test_another_size_of_features_or_pictures_is_refused(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "ViT", "ViTForImageClassification", labels=True)
    with pytest.raises(MmserError, match="checkpoint of size 24; found 16"):
        made(tmp_path, size=24).extract([clip(1, 1.0)])
    wide = PictureEncoder(weights=str(tmp_path), size=16, image_size=64, crop="centre")
    with pytest.raises(MmserError, match="Set image_size=32"):
        wide.extract([clip(1, 1.0)])


@pytest.mark.parametrize(
    ("change", "message"),
    [("less", "no vit.layernorm.weight|no .*layernorm"), ("more", "no place for extra")],
)
def test_a_missing_or_foreign_tensor_is_refused(tmp_path: Path, change: str, message: str) -> None:
    picture_checkpoint(tmp_path, "ViT", "ViTForImageClassification", labels=True)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    if change == "less":
        del tensors["vit.layernorm.weight"]
    else:
        tensors["extra.weight"] = torch.zeros(3)
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(MmserError, match=message):
        made(tmp_path).extract([clip(1, 1.0)])


def test_a_checkpoint_without_its_preparation_is_refused(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "ViT", "ViTForImageClassification", labels=True)
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(MmserError, match="preprocessor_config"):
        made(tmp_path).extract([clip(1, 1.0)])
