"""A published emotion recogniser judges a recording as a trained fold does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from makers.emotion_checkpoints import MELD, write_classifier, write_dense, write_text
from makers.picture_checkpoint import LABELS, SIDE, picture_checkpoint, processor_of
from makers.sound_run import stand_ins, write_recording
from safetensors.torch import save_file

from mmser.cli import main
from mmser.core.batch import Stream, empty_context
from mmser.core.clip import Clip
from mmser.core.errors import MmserError, UsageError
from mmser.extractors.audio.emotion_checkpoint import EmotionCheckpoint
from mmser.inference.judge import Judge, read_labels
from mmser.inference.reader import Reader
from mmser.inference.recogniser import load
from mmser.inference.recording import clips_of, open_recording
from mmser.inference.segment_features import _utterance
from mmser.inference.segments import Segment


@pytest.fixture(autouse=True)
def heard(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_ins(monkeypatch)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "r.wav")


def heard_alone(folder: Path, recording: Path, start: float, end: float) -> np.ndarray:
    """The checkpoint's answers (label,) for a stretch of the recording."""
    opened = open_recording(recording)
    utterance = _utterance("u", opened, Segment(start, end))
    (clip,) = clips_of(opened, [utterance], want_audio=True, sample_rates=[16000])
    made = EmotionCheckpoint(weights=str(folder), device="cpu")
    (said,) = made.extract([Clip("u", clip.waveform)])
    return said.values[0]


def test_probabilities_are_the_checkpoints_own(tmp_path: Path, recording: Path) -> None:
    write_classifier(tmp_path / "superb")
    table = load(Judge(str(tmp_path / "superb"))).predict(recording)
    assert len(table) == 2 and table["modalities"].tolist() == ["audio", "audio"]
    columns = [f"probability_{name}" for name in ("neutral", "happy", "angry", "sad")]
    for row in table.to_dict("records"):
        logits = heard_alone(tmp_path / "superb", recording, row["start"], row["end"])
        expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        assert [row[column] for column in columns] == pytest.approx(expected, abs=1e-5)
        best = ("neutral", "happy", "angry", "sad")[int(logits.argmax())]
        assert row["prediction"] == best


def test_dimensions_are_values(tmp_path: Path, recording: Path) -> None:
    write_dense(tmp_path / "dim")
    table = load(Judge(str(tmp_path / "dim"))).predict(recording)
    row = table.iloc[1]
    expected = heard_alone(tmp_path / "dim", recording, row["start"], row["end"])
    names = ("arousal", "dominance", "valence")
    assert [row[f"prediction_{name}"] for name in names] == pytest.approx(expected, abs=1e-5)
    assert "prediction" not in table


def test_labels_are_named_by_the_user(tmp_path: Path) -> None:
    write_classifier(tmp_path, ("LABEL_0", "calm", "exc", "<unk>"))
    with pytest.raises(UsageError, match=r"labels that name emotions; found LABEL_0"):
        Judge(str(tmp_path))
    labels = read_labels("{LABEL_0: angry, calm: neutral, unknown: null}")
    judge = Judge(str(tmp_path), labels=labels)
    assert judge.answers == ["angry", "neutral", "excited", None]
    assert judge.task.classes == ("angry", "neutral", "excited")
    with pytest.raises(UsageError, match="labels among LABEL_0"):
        Judge(str(tmp_path), labels={"LABEL_9": "sad"})
    with pytest.raises(UsageError, match=r"labels=.LABEL: name"):
        read_labels("{a: [b]}")


def test_the_command(tmp_path: Path, recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_classifier(tmp_path / "superb")
    words = [f"model={tmp_path / 'superb'}", "labels={neu: null}", str(recording)]
    assert main(["predict", *words, "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "r.wav: 2 segments" in out
    written = json.loads((tmp_path / "out" / "r.json").read_text())
    assert "neutral" not in json.dumps(written)
    assert main(["predict", f"model={tmp_path / 'nobody'}", str(recording)]) == 1
    assert "the weights of the emotion recogniser" in capsys.readouterr().err


def test_a_hub_id_says_what_to_fetch_and_where_it_goes(tmp_path: Path) -> None:
    commit = "0" * 40
    with pytest.raises(MmserError, match=rf"mmser weights get owner/name@{commit}"):
        Judge(f"owner/name@{commit}", str(tmp_path))
    with pytest.raises(MmserError, match="a pinned `revision` for the hub id owner/name"):
        Judge("owner/name", str(tmp_path))
    write_classifier(tmp_path / "name")
    assert Judge(f"owner/name@{commit}", str(tmp_path)).answers[0] == "neutral"


def test_a_judge_of_text_reads_what_a_recogniser_hears(tmp_path: Path, recording: Path) -> None:
    original = write_text(tmp_path / "text")
    table = load(Judge(str(tmp_path / "text"))).predict(recording, asr="test")
    assert table["text"].tolist() == ["happy", "sad"] and set(table["modalities"]) == {"text"}
    logits = original("happy")
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    names = ["angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"]
    row = table.iloc[0]
    assert [row[f"probability_{name}"] for name in names] == pytest.approx(expected, abs=1e-5)
    assert len(MELD) == len(names)


def test_a_judge_of_faces_is_the_mean_over_the_frames(tmp_path: Path) -> None:
    picture_checkpoint(tmp_path, "ViT", "ViTForImageClassification", labels=True)
    opened = Judge(str(tmp_path))
    assert opened.task.classes == LABELS and opened.answers == [*LABELS, *[None] * 16]
    (member,) = opened.members()
    probabilities = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
    values = torch.cat([probabilities, torch.full((2, 16), 7.0)], dim=1)[None]
    stream = Stream(values, torch.ones(1, 2, dtype=torch.bool))
    logits = member.model({"face": stream}, empty_context(1)).logits
    assert logits is not None
    torch.testing.assert_close(logits.softmax(dim=1), probabilities.mean(dim=0)[None])


def test_what_a_judge_of_faces_reads_is_the_checkpoints_own_answer(tmp_path: Path) -> None:
    model = picture_checkpoint(tmp_path, "ResNet", "ResNetForImageClassification", labels=True)
    reader = Reader(Judge(str(tmp_path)))
    made = replace(reader.extractors["face"], crop="centre", device="cpu")  # type: ignore[type-var]
    seen = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    (said,) = made.extract([Clip("c", frames=seen, frame_rate=3.0)])
    channels_first = [torch.from_numpy(picture).permute(2, 0, 1) for picture in seen]
    inputs = processor_of("ResNet")(channels_first, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).logits.softmax(dim=1)
    np.testing.assert_allclose(said.values[:, :3], expected, atol=1e-5)


def test_face_api_is_a_judge(tmp_path: Path) -> None:
    save_file({"fc/weights": torch.zeros(256, 7)}, tmp_path / "face.safetensors")
    opened = Judge(str(tmp_path / "face.safetensors"))
    assert opened.task.classes[:3] == ("neutral", "happy", "sad")
    assert len(opened.answers) == 7 + 256
    assert opened.sources["face"].info["extractor"] == "face_expression"
