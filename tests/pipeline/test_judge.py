"""A published recogniser scored on a corpus: answers, classes it does not know, values and scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from makers.clips import speechlike
from makers.emotion_checkpoints import Original, write_classifier, write_dense, write_text

from mmser.cli import main
from mmser.media.decode import decode_clips
from mmser.media.write import write_wav

EMOTIONS = ("angry", "happy", "sad", "bored")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """24 files of three speakers with a class and two dimensions each."""
    rows = []
    for number in range(24):
        write_wav(tmp_path / "corpus" / f"u{number}.wav", speechlike(0.3, number))
        rows.append(
            {
                "id": f"u{number}",
                "speaker": f"s{number // 8}",
                "emotion": EMOTIONS[number % 4],
                "transcript": ("what a day", "leave me alone")[number % 2],
                "valence": 1 + number % 5,
                "arousal": 1 + number % 3,
                "audio_path": f"u{number}.wav",
            }
        )
    pd.DataFrame(rows).to_csv(tmp_path / "corpus" / "manifest.csv", index=False)
    return tmp_path / "corpus"


def evaluated(model: Path, corpus: Path, *words: str) -> pd.DataFrame:
    run = corpus.parent / "run"
    places = [f"corpus.root={corpus}", f"cache={corpus.parent / 'cache'}", f"run={run}"]
    code = main(["evaluate", f"model={model}", "corpus=generic", *places, *words])
    assert code == 0
    return pd.read_parquet(run / "predictions.parquet").set_index("id")


def said(original: Original, corpus: Path, identifier: str) -> np.ndarray:
    from mmser.core.utterance import Utterance

    file = corpus / f"{identifier}.wav"
    (clip,) = decode_clips([Utterance(identifier, "c", "s", audio_path=file)], True, False)
    return original(clip.waveform)


def test_classes(tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str], caplog) -> None:
    original = write_classifier(tmp_path / "superb", ("neu", "hap", "ang", "sad"))
    table = evaluated(tmp_path / "superb", corpus, "protocol=generic_speaker")
    assert len(table) == 24 and set(table["fold"]) == {"s0", "s1", "s2"}
    assert "neu: not among what the protocol asks, left out" in caplog.text
    assert "bored: the recogniser does not know them" in caplog.text
    logits = said(original, corpus, "u3")
    shares = np.exp(logits[1:]) / np.exp(logits[1:]).sum()
    row = table.loc["u3"]
    order = ["happy", "angry", "sad"]
    assert [row[f"probability_{name}"] for name in order] == pytest.approx(shares, abs=1e-4)
    assert row["probability_bored"] == 0.0 and row["target"] == "bored"
    assert row["prediction"] == order[int(shares.argmax())]
    out = capsys.readouterr().out
    assert "UA" in out and f"Run: {corpus.parent / 'run'}" in out


def test_the_run_is_read_like_any_other(tmp_path: Path, corpus: Path, capsys) -> None:
    write_classifier(tmp_path / "superb")
    evaluated(tmp_path / "superb", corpus, "protocol=generic_speaker", "labels={neu: bored}")
    run = str(corpus.parent / "run")
    assert main(["score", run]) == 0
    assert main(["report", run, "--out", str(tmp_path / "r.html")]) == 0
    page = (tmp_path / "r.html").read_text()
    assert "superb, published, as it is (it may have been trained on this corpus)" in page
    clip = [str(corpus / "u1.wav"), "--whole"]
    assert main(["predict", f"run={run}", *clip]) == 0
    assert main(["export", f"run={run}", "--out", str(tmp_path / "export"), "--fold", "s0"]) == 0
    weights = f"extractor.emotion_checkpoint.weights={tmp_path / 'superb'}"
    assert main(["predict", f"run={tmp_path / 'export'}", weights, *clip]) == 0
    capsys.readouterr()


def test_values_go_to_the_protocols_scale(tmp_path: Path, corpus: Path, capsys) -> None:
    original = write_dense(tmp_path / "dim")
    words = [
        "protocol=generic_speaker",
        "protocol.classes=[]",
        "protocol.values=[valence,arousal]",
        "protocol.value_range={valence: [1, 5], arousal: [1, 3]}",
    ]
    table = evaluated(tmp_path / "dim", corpus, *words)
    arousal, _, valence = said(original, corpus, "u2")
    row = table.loc["u2"]
    assert row["prediction_valence"] == pytest.approx(1 + 4 * valence, abs=1e-4)
    assert row["prediction_arousal"] == pytest.approx(1 + 2 * arousal, abs=1e-4)
    assert row["target_valence"] == 3
    assert "CCC" in capsys.readouterr().out


def test_wrong_words(tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_dense(tmp_path / "dim")
    model, root = f"model={tmp_path / 'dim'}", f"corpus.root={corpus}"
    assert main(["evaluate", model]) == 2
    assert "no corpus" in capsys.readouterr().err
    words = ["evaluate", model, "corpus=generic", root, f"cache={tmp_path / 'cache'}"]
    assert main([*words, "system=concat"]) == 2
    assert "model=... or system=...; found both" in capsys.readouterr().err
    assert main([*words, "protocol=generic_speaker"]) == 1
    assert "answers to what the protocol asks: angry, bored" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


def test_a_judge_of_text_reads_the_transcript(tmp_path: Path, corpus: Path, capsys) -> None:
    original = write_text(tmp_path / "text", ("anger", "joy", "sadness", "neutral"))
    table = evaluated(tmp_path / "text", corpus, "protocol=generic_speaker")
    logits = original("leave me alone")[:3]
    shares = np.exp(logits) / np.exp(logits).sum()
    found = table.loc["u1", ["probability_angry", "probability_happy", "probability_sad"]]
    assert found.tolist() == pytest.approx(shares, abs=1e-4)
    assert "UA" in capsys.readouterr().out
