"""What the demo stands on: its recordings, and what it does where Whisper cannot be had.

The whole demo is run by CI on its second Python.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pytest

from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.corpora.emodb import Emodb
from mmser.pipeline import demo


def test_the_recordings_are_those_that_the_protocol_counts() -> None:
    utterances = list(Emodb(demo.EXCERPT).utterances())
    counts = load_config("protocol", "emodb4_excerpt_speaker10")["counts"]
    assert Counter(each.emotion for each in utterances) == counts["label"]
    assert len(utterances) == counts["total"] == 80
    assert len({each.speaker for each in utterances}) == 10
    assert sum(path.stat().st_size for path in demo.EXCERPT.rglob("*.flac")) < 5_000_000
    assert "CC0" in (demo.EXCERPT / "README.md").read_text()


def unobtainable(name: str, folder: Path) -> Path:
    raise MmserError(f"the package of {name}", "no network", "Install it.")


def test_without_whisper_the_demo_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mmser.weights.placing.place", unobtainable)
    monkeypatch.setattr(demo, "find_spec", lambda name: object())
    with caplog.at_level(logging.WARNING):
        assert demo._speech_system(tmp_path) == "functionals"
    assert "no network" in caplog.text and "eGeMAPS" in caplog.text


def test_without_any_features_the_first_error_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mmser.weights.placing.place", unobtainable)
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    with pytest.raises(MmserError, match="no network"):
        demo._speech_system(tmp_path)
