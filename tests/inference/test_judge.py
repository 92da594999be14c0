"""A published emotion recogniser judges a recording as a trained fold does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from makers.emotion_checkpoints import MELD, write_classifier, write_dense, write_text
from makers.sound_run import stand_ins, write_recording

from mmser.cli import main
from mmser.core.clip import Clip
from mmser.core.errors import MmserError, UsageError
from mmser.extractors.audio.emotion_checkpoint import EmotionCheckpoint
from mmser.inference.judge import Judge, read_labels
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
