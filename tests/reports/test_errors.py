"""The section lists the extreme answers, and plays them where the media are."""

from __future__ import annotations

import base64
import io
import re
import wave
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmser.evaluation.scoring.extremes import MOST, confident
from mmser.media.write import write_wav
from mmser.reports.page import table
from mmser.reports.players import LONGEST, Players
from mmser.reports.report import LARGEST, report
from mmser.reports.reported_run import read_run
from mmser.reports.sections.errors import errors

_TARGETS = ("ang", "sad")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty utterances of two seeds, every fourth wrong in seed 0; the sound of the first two."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in (0, 1):
        for number in range(40):
            sure = float(rng.uniform(0.5, 1.0))
            target = _TARGETS[number % 2]
            told = _TARGETS[(number % 2 + (number % 4 == 0 and seed == 0)) % 2]
            row = {"id": f"u{number:02d}", "corpus": "a", "speaker": "s", "seed": seed}
            row |= {"target": target, "prediction": told}
            row |= {f"probability_{c}": sure if c == told else 1 - sure for c in _TARGETS}
            rows.append(row)
    run = tmp_path / "run"
    run.mkdir()
    table = pd.DataFrame(rows)
    table.to_parquet(run / "predictions.parquet")
    known = table[["id", "corpus", "speaker"]].drop_duplicates()
    paths = [str(tmp_path / "media" / f"{name} &.wav") for name in known["id"]]
    known.assign(audio_path=paths, transcript="<b>words</b>").to_parquet(run / "manifest.parquet")
    write_wav(tmp_path / "media" / "u00 &.wav", np.full(8000, 0.25, np.float32))
    write_wav(tmp_path / "media" / "u04 &.wav", np.zeros(int((LONGEST + 1) * 16000), np.float32))
    return run


def test_the_surest_errors_and_the_least_sure_answers_come_first(folder: Path) -> None:
    run = read_run(folder)
    text = str(errors([run], Players(0, folder)))
    lists = [
        re.findall(r'data-head="Utterance"><div>(\w+)', part) for part in text.split("<h3>")[1:]
    ]
    table = pd.read_parquet(folder / "predictions.parquet")
    table["sure"] = table[[f"probability_{c}" for c in _TARGETS]].max(axis=1)
    wrong = table[table["target"] != table["prediction"]].sort_values("sure", ascending=False)
    right = table[table["target"] == table["prediction"]].sort_values("sure")
    assert lists[0] == list(wrong["id"])
    assert lists[1] == list(right["id"].drop_duplicates()[:MOST])
    assert "&lt;b&gt;words&lt;/b&gt;" in text


def test_sound_is_in_the_page_while_there_is_room_then_linked_then_a_path(folder: Path) -> None:
    run = read_run(folder)
    players = Players(1_000_000, folder)
    short, long, missing = (
        str(players.player(run.utterance("a", name))) for name in ("u00", "u04", "u08")
    )
    players.close()
    sound = base64.b64decode(re.search(r"data:audio/wav;base64,([^\"]*)", short)[1])
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16000, 1, 8000)
        assert set(np.frombuffer(file.readframes(8000), "<i2")) == {8192}
    assert 'href="../media/u00%20%26.wav"' in short
    assert 'src="../media/u04%20%26.wav"' in long and "data:" not in long
    assert unescape(missing) == f"<small>{folder.parent / 'media' / 'u08 &.wav'}</small>"
    full = Players(1000, folder)
    assert "data:" not in full.player(run.utterance("a", "u00"))
    full.close()


def test_attention_stands_with_the_answer_that_it_belongs_to(folder: Path) -> None:
    row: dict[str, object] = {"id": "u00", "fold": "", "extreme": True, "labels": None}
    time = {"name": "audio", "stream": "audio", "weights": [0.25, 0.75], "seconds": [0.1, 0.4]}
    words = {"name": "text", "stream": "text", "weights": [0.1, 0.9], "seconds": None}
    rows = [row | time | {"seed": 0}, row | words | {"seed": 0, "labels": ["<b>", "words"]}]
    pd.DataFrame(rows).to_parquet(folder / "attention.parquet")
    text = str(errors([read_run(folder)], Players(1_000_000, folder)))
    assert text.count('alt="Attention over time: audio."') == 1
    assert 'title="0.900">words</span>' in text and 'title="0.100">&lt;b&gt;</span>' in text
    silent = str(errors([read_run(folder)], None))
    assert "Attention over time" not in silent and 'title="0.900"' in silent
    pd.DataFrame(rows).assign(seed=1).to_parquet(folder / "attention.parquet")
    # Seed 1 was right about it, and its answer is not among those listed.
    other = str(errors([read_run(folder)], Players(1_000_000, folder)))
    assert ("Attention over time" in other) == ("u00" in other.split("Least confident")[1])


def test_a_damaged_recording_is_linked(folder: Path) -> None:
    (folder.parent / "media" / "u00 &.wav").write_bytes(b"RIFF no sound")
    players = Players(1_000_000, folder)
    assert "data:" not in players.player(read_run(folder).utterance("a", "u00"))
    players.close()


def test_the_page_stays_small_and_the_same(folder: Path, tmp_path: Path) -> None:
    first = report([folder], tmp_path / "one.html").read_bytes()
    assert b"data:audio/wav" in first and len(first) < LARGEST
    assert report([folder], tmp_path / "two.html").read_bytes() == first


def test_a_page_without_recordings_names_none(folder: Path, tmp_path: Path) -> None:
    text = report([folder], tmp_path / "silent.html", recordings=False).read_text(encoding="utf-8")
    assert "Most confident errors" in text
    assert "<audio" not in text and str(tmp_path) not in text


def test_without_probabilities_or_a_manifest(folder: Path) -> None:
    (folder / "manifest.parquet").unlink()
    assert "u00" in errors([read_run(folder)], Players(0, folder))
    table = pd.read_parquet(folder / "predictions.parquet")
    bare = table.drop(columns=[f"probability_{name}" for name in _TARGETS])
    bare.to_parquet(folder / "predictions.parquet")
    run = read_run(folder)
    assert confident(run.predictions).empty and "no class probabilities" in errors(
        [run], Players(0, folder)
    )


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        table(("one", "two"), [("only",)], stacked=True)
