"""Annotations written by `mmser predict` or made by the tools' libraries, read as a manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pympi.Elan import Eaf

from mmser.cli import main
from mmser.core.errors import MmserError, UsageError
from mmser.corpora.drafts.draft import Reading, draft
from mmser.corpora.drafts.name_pattern import name_pattern
from mmser.corpora.generic import Generic
from mmser.inference.annotations.formats import write_annotations
from mmser.inference.result_places import Place
from mmser.media.write import write_wav


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "anna talk.wav"
    write_wav(path, np.zeros(16000 * 5, "float32"))
    return path


SEGMENTS = [(0.5, 2.251, "happy", "oh yes"), (2.251, 3.1, "sad", ""), (3.0, 4.751, "happy", "well")]


def timeline() -> pd.DataFrame:
    table = pd.DataFrame(SEGMENTS, columns=["start", "end", "prediction", "text"])
    return table.assign(probability_happy=0.5, probability_sad=0.5)


def drafted(source: Path, **reading: object) -> pd.DataFrame:
    return draft(source, Reading(**reading), source.parent / "manifest.csv")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["textgrid", "eaf", "audacity"])
def test_what_predict_writes_is_read_back(name: str, recording: Path) -> None:
    (path,) = write_annotations(
        timeline(), recording, Place(recording.parent, recording.stem), [name]
    )
    target = recording.parent / "manifest.csv"
    assert main(["manifest", str(path), "--speaker", "anna", "--map", "sad=blue"]) == 0
    found = list(Generic(target).utterances())
    assert [(each.start, each.end, each.emotion) for each in found] == [
        (start, end, {"sad": "blue"}.get(label, label)) for start, end, label, _ in SEGMENTS
    ]
    assert {each.audio_path for each in found} == {recording} and found[0].speaker == "anna"
    words = ["oh yes", None, "well"] if name != "audacity" else [None] * 3
    assert [each.transcript for each in found] == words


@pytest.mark.parametrize("name", ["textgrid", "eaf"])
def test_values_are_read_back(name: str, recording: Path) -> None:
    table = pd.DataFrame({"start": [0.0, 1.0], "end": [1.0, 2.0]}).assign(
        prediction_valence=[0.25, np.nan], prediction_arousal=[-1.0, 0.5], text=""
    )
    (path,) = write_annotations(table, recording, Place(recording.parent, recording.stem), [name])
    found = drafted(path, speaker="anna")
    assert found[["valence", "arousal"]].to_numpy().tolist() == [
        ["0.2500", "-1.0000"],
        [None, "0.5000"],
    ]


def test_elan_names_recording_and_speaker_and_the_tier_is_chosen(recording: Path) -> None:
    document = Eaf()
    document.add_linked_file("file:///C:/study/anna%20talk.wav", mimetype="audio/x-wav")
    document.add_tier("mood_anna", part="anna")
    document.add_tier("mood_ben", part="ben")
    document.add_annotation("mood_anna", 100, 900, "happy")
    document.add_annotation("mood_ben", 900, 1900, "sad")
    path = recording.parent / "session.eaf"
    document.to_file(str(path))
    (row,) = drafted(path, tier="mood_ben").to_dict("records")
    assert row["audio_path"] == "anna talk.wav" and (row["speaker"], row["emotion"]) == (
        "ben",
        "sad",
    )
    assert (row["start"], row["end"], row["id"]) == ("0.9", "1.9", "anna talk")
    with pytest.raises(
        MmserError, match=r"one called emotion; found mood_anna, mood_ben\. Name it"
    ):
        drafted(path)
    with pytest.raises(UsageError, match=r"\(mood_anna, mood_ben\) in --tier; found mood"):
        drafted(path, tier="mood")


def test_audacity_lines(recording: Path) -> None:
    path = recording.with_suffix(".txt")
    path.write_text("0,5\t1,25\thappy\n\\\t100.0\t200.0\n1.5\t2.0\t\n2.0\t3.0\t sad \n")
    found = drafted(path, pattern=name_pattern("{speaker} {n}"))
    cells = found[["start", "end", "emotion", "speaker"]].to_numpy().tolist()
    assert cells == [["0.5", "1.25", "happy", "anna"], ["2.0", "3.0", "sad", "anna"]]
    path.write_text("0.5\t1.25\thappy\n2.0\t2.0\tsad\nnonsense\n")
    with pytest.raises(MmserError, match="found line 3"):
        drafted(path, speaker="anna")
    path.write_text("0.5\t1.25\thappy\n2.0\t2.0\tsad\n")
    with pytest.raises(MmserError, match="'sad' at 2 s"):
        drafted(path, speaker="anna")


def test_what_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    grid, document = tmp_path / "a.TextGrid", tmp_path / "a.eaf"
    grid.write_text("nothing")
    with pytest.raises(MmserError, match="a TextGrid in"):
        drafted(grid)
    document.write_text("<a>")
    with pytest.raises(MmserError, match="an ELAN document in"):
        drafted(document)
    document.write_text(
        '<!DOCTYPE x [<!ENTITY y "z">]><ANNOTATION_DOCUMENT>&y;</ANNOTATION_DOCUMENT>'
    )
    with pytest.raises(MmserError, match="a DOCTYPE declaration"):
        drafted(document)
    labels = tmp_path / "talk.txt"
    labels.write_text("0\t1\thappy\n")
    with pytest.raises(MmserError, match=r"no talk\.wav, \.mp4, \.\.\.\. Put them there"):
        drafted(labels)
    with pytest.raises(UsageError, match=r"a TextGrid or \.eaf for --tier"):
        drafted(labels, tier="emotion")
    with pytest.raises(MmserError, match="no such file"):
        drafted(tmp_path / "gone.eaf")
