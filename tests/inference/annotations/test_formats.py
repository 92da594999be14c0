"""Each file is opened by the library of its tool: times to the millisecond, and the labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from praatio import textgrid
from pympi.Elan import Eaf

from mmser.core.errors import MmserError, UsageError
from mmser.inference.annotations import formats
from mmser.inference.annotations.formats import (
    FORMATS,
    check_free,
    named_formats,
    write_annotations,
)
from mmser.inference.result_places import Place
from mmser.media.write import write_wav

CLASSES = [(0.5, 2.25, "happy"), (2.25, 3.1234, 'so "so" <b>'), (4.0, 4.751, "sad")]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "my talk.wav"
    write_wav(path, np.zeros(16000 * 5, "float32"))
    return path


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [{"start": a, "end": b, "prediction": name, "text": ""} for a, b, name in CLASSES]
    for row in rows:
        row |= {f"probability_{name}": 0.1 for _, _, name in CLASSES}
        row[f"probability_{row['prediction']}"] = 0.8
    rows[0]["text"] = "what\na\tday & night"
    return pd.DataFrame(rows)


def written(table: pd.DataFrame, recording: Path, name: str) -> Path:
    (path,) = write_annotations(table, recording, Place(recording.parent, "talk"), [name])
    assert path.name == f"talk.{FORMATS[name].suffix}"
    return path


MARKS = [(500, 2250, "happy"), (2250, 3123, 'so "so" <b>'), (4000, 4751, "sad")]


def test_praat(table: pd.DataFrame, recording: Path) -> None:
    grid = textgrid.openTextgrid(str(written(table, recording, "textgrid")), False, "error")
    assert grid.tierNames == ("emotion", "confidence", "text") and grid.maxTimestamp == 5.0
    entries = grid.getTier("emotion").entries
    assert [(round(1000 * e.start), round(1000 * e.end), e.label) for e in entries] == MARKS
    assert [entry.label for entry in grid.getTier("confidence").entries] == ["0.800"] * 3
    assert [entry.label for entry in grid.getTier("text").entries] == ["what a day & night"]


def test_elan(table: pd.DataFrame, recording: Path) -> None:
    document = Eaf(str(written(table, recording, "eaf")))
    assert list(document.get_tier_names()) == ["emotion", "confidence", "text"]
    assert sorted(document.get_annotation_data_for_tier("emotion")) == MARKS
    (linked,) = document.get_linked_files()
    assert linked["RELATIVE_MEDIA_URL"] == "./my talk.wav" and linked["MIME_TYPE"] == "audio/x-wav"


def test_audacity(table: pd.DataFrame, recording: Path) -> None:
    rows = [
        line.split("\t") for line in written(table, recording, "audacity").read_text().splitlines()
    ]
    assert [(round(1000 * float(a)), round(1000 * float(b)), name) for a, b, name in rows] == MARKS


def test_label_studio(table: pd.DataFrame, recording: Path) -> None:
    (task,) = json.loads(written(table, recording, "labelstudio").read_text())
    assert task["data"] == {"audio": "/data/local-files/?d=my%20talk.wav"}
    (prediction,) = task["predictions"]
    assert prediction["score"] == 0.8
    regions = [each for each in prediction["result"] if each["type"] == "labels"]
    spans = [(each["value"]["start"], each["value"]["end"]) for each in regions]
    assert [(round(1000 * a), round(1000 * b)) for a, b in spans] == [mark[:2] for mark in MARKS]
    assert [each["value"]["labels"] for each in regions] == [[mark[2]] for mark in MARKS]
    (words,) = [each for each in prediction["result"] if each["type"] == "textarea"]
    assert words["id"] == regions[0]["id"] and words["value"]["text"] == ["what a day & night"]


def test_segments_that_overlap_get_tiers_of_their_own(recording: Path) -> None:
    rows = [(0.0, 2.0, 0.5), (1.0, 3.0, np.nan), (1.5, 4.0, -0.25), (2.0, 2.5, 1.0)]
    table = pd.DataFrame(rows, columns=["start", "end", "prediction_valence"])
    grid = textgrid.openTextgrid(str(written(table, recording, "textgrid")), False, "error")
    found = {tier.name: [(e.start, e.end, e.label) for e in tier.entries] for tier in grid.tiers}
    assert found == {
        "valence": [(0.0, 2.0, "0.5000"), (2.0, 2.5, "1.0000")],
        "valence 2": [(1.5, 4.0, "-0.2500")],
    }
    lines = written(table, recording, "audacity").read_text().splitlines()
    assert lines[1] == "1.500000\t4.000000\tvalence -0.2500"
    (task,) = json.loads(written(table, recording, "labelstudio").read_text())
    assert [each["value"]["number"] for each in task["predictions"][0]["result"]] == [0.5, -0.25, 1]


def test_control_characters_do_not_break_a_document(table: pd.DataFrame, recording: Path) -> None:
    table["text"] = "a\x00b\x1b[31m"
    assert len(Eaf(str(written(table, recording, "eaf"))).get_annotation_data_for_tier("text")) == 3
    assert "\x1b" not in written(table, recording, "textgrid").read_text()


def test_names_and_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named_formats(" TextGrid,eaf,eaf") == ["textgrid", "eaf"]
    with pytest.raises(UsageError, match="formats among textgrid, eaf"):
        named_formats("praat")
    monkeypatch.setitem(
        formats.FORMATS, "eaf", formats.Format("eaf", FORMATS["eaf"].write, "no_such_package")
    )
    with pytest.raises(MmserError, match=r"pip install 'mmser\[annotations\]'"):
        named_formats("eaf")


def test_annotations_that_are_there_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "talk.eaf").write_text("by hand")
    check_free([Place(tmp_path, "talk")], ["textgrid"])
    with pytest.raises(MmserError, match=r"talk\.eaf\. They are never replaced"):
        check_free([Place(tmp_path, "talk")], ["textgrid", "eaf"])
