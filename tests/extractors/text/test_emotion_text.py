"""Published emotion recognisers of text on tiny checkpoints: transformers' own answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from makers.emotion_checkpoints import write_classifier, write_text
from makers.text_checkpoint import text_clips
from safetensors.torch import load_file, save_file

from mmser.core.errors import MmserError
from mmser.extractors.audio.emotion_checkpoint import EmotionCheckpoint
from mmser.extractors.text.emotion_text import EmotionText


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "DistilBert"])
def test_answers_are_transformers_own(kind: str, tmp_path: Path) -> None:
    original = write_text(tmp_path, kind=kind)
    made = EmotionText(weights=str(tmp_path), device="cpu")
    clips = text_clips("Leave me alone now", "what a day")
    for clip, said in zip(clips, made.extract(clips), strict=True):
        assert clip.transcript is not None
        np.testing.assert_allclose(said.values[0], original(clip.transcript.text), atol=1e-5)
    assert made.feature_size == 7


def test_a_long_text_is_cut_at_the_positions_and_noted(tmp_path: Path) -> None:
    original = write_text(tmp_path)
    (said,) = EmotionText(weights=str(tmp_path), device="cpu").extract(text_clips("day " * 30))
    assert said.notes == "only the first 16 sub-words"
    np.testing.assert_allclose(said.values[0], original("day " * 14), atol=1e-5)


def test_a_checkpoint_without_what_a_classifier_reads_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["bert.pooler.dense.weight"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(MmserError, match=r"BertForSequenceClassification .*no bert\.pooler"):
        EmotionText(weights=str(tmp_path)).extract(text_clips("day"))


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    write_classifier(tmp_path / "speech")
    with pytest.raises(MmserError, match="one of audio"):
        EmotionText(weights=str(tmp_path / "speech")).extract(text_clips("day"))
    write_text(tmp_path / "text")
    with pytest.raises(MmserError, match="found one of text"):
        _ = EmotionCheckpoint(weights=str(tmp_path / "text"))._model
    config = json.loads((tmp_path / "text" / "config.json").read_text())
    config["problem_type"] = "multi_label_classification"
    (tmp_path / "text" / "config.json").write_text(json.dumps(config))
    with pytest.raises(MmserError, match="one emotion for each text"):
        EmotionText(weights=str(tmp_path / "text")).extract(text_clips("day"))
