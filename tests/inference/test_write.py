"""Subtitles as players read them, tables as they were, a picture that does not change."""

import json

import pandas as pd
import pytest

from mmser.inference.write import clock, label, subtitles, write_timeline


@pytest.fixture
def table():
    rows = [
        {"start": 0.5, "end": 2.25, "text": "what <i>a</i> day", "prediction": "happy"},
        {"start": 3661.0, "end": 3662.0004, "text": "", "prediction": "sad"},
    ]
    return pd.DataFrame(rows).assign(probability_happy=[0.87, 0.2], probability_sad=[0.13, 0.8])


def test_clock():
    assert clock(3661.9996, ",") == "01:01:02,000"
    assert clock(0.0004, ".") == "00:00:00.000"


def test_subtitles(table):
    assert subtitles(table, ",") == (
        "1\n00:00:00,500 --> 00:00:02,250\n[happy 87%] what (i)a(/i) day\n\n"
        "2\n01:01:01,000 --> 01:01:02,000\n[sad 80%]\n"
    )


def test_values_and_nothing_at_all():
    assert (
        label({"text": "x", "prediction_valence": 0.123, "prediction_arousal": -1.0})
        == "[valence 0.12, arousal -1.00] x"
    )
    assert label({"text": "", "prediction": None, "probability_a": None}) == "[?]"


def test_files(table, tmp_path):
    written = write_timeline(table, tmp_path / "out", "clip")
    assert [path.suffix for path in written] == [".csv", ".json", ".srt", ".vtt", ".svg"]
    assert pd.read_csv(written[0])["probability_sad"].tolist() == [0.13, 0.8]
    assert pd.read_csv(written[0])["end"].tolist() == [2.25, 3662.0]
    assert json.loads(written[1].read_text())[0]["prediction"] == "happy"
    assert written[3].read_text().startswith("WEBVTT\n\n1\n00:00:00.500")
    before = written[4].read_bytes()
    assert before.count(b"<svg") == 1
    assert write_timeline(table, tmp_path / "out", "clip")[4].read_bytes() == before
