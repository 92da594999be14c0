"""Exports of Label Studio: what `mmser predict` wrote and somebody confirmed, choices, votes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmser.core.errors import MmserError
from mmser.corpora.drafts.draft import Reading, draft
from mmser.corpora.generic import Generic
from mmser.inference.annotations.formats import write_annotations
from mmser.inference.result_places import Place
from mmser.media.write import write_wav


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "my talk.wav"
    write_wav(path, np.zeros(16000 * 5, "float32"))
    return path


def drafted(folder: Path, tasks: Any, **reading: Any) -> pd.DataFrame:
    source = folder / "export.json"
    source.write_text(json.dumps(tasks))
    return draft(source, Reading(speaker="anna", **reading), folder / "manifest.csv")


def choice(annotator: int, *labels: str, **more: Any) -> dict[str, Any]:
    answer = {"from_name": "emotion", "type": "choices", "value": {"choices": list(labels)}}
    return {"completed_by": annotator, "result": [answer], **more}


def test_predictions_that_were_confirmed_are_read_back(recording: Path) -> None:
    segments = [(0.5, 2.251, "happy", "oh yes"), (2.0, 3.1, "sad", "")]
    table = pd.DataFrame(segments, columns=["start", "end", "prediction", "text"])
    table = table.assign(probability_happy=0.5, probability_sad=0.5, prediction_valence=0.25)
    (path,) = write_annotations(table, recording, Place(recording.parent, "talk"), ["labelstudio"])
    (task,) = json.loads(path.read_text())
    with pytest.raises(MmserError, match="task 1: no annotation"):
        drafted(recording.parent, [task])
    # What the program does when the annotator takes the regions over and submits them.
    task["annotations"] = [{"result": task["predictions"][0]["result"], "was_cancelled": False}]
    drafted(recording.parent, [task]).to_csv(recording.parent / "manifest.csv", index=False)
    found = list(Generic(recording.parent).utterances())
    assert [(e.start, e.end, e.emotion, e.transcript or "") for e in found] == segments
    assert [each.valence for each in found] == [0.25, 0.25] and found[0].audio_path == recording


def test_the_short_export(recording: Path) -> None:
    marks = [{"start": 1, "end": 2.5, "channel": 0, "labels": ["happy"]}]
    task = {
        "audio": "/data/upload/3/0123abcd-my%20talk.wav",
        "id": 7,
        "mood": marks,
        "annotator": 1,
    }
    (row,) = drafted(recording.parent, [task]).to_dict("records")
    assert (row["start"], row["end"], row["emotion"]) == ("1.0", "2.5", "happy")
    task = {"audio": "/data/local-files/?d=my%20talk.wav", "id": 7, "emotion": "sad"}
    (row,) = drafted(recording.parent, [task]).to_dict("records")
    assert row["emotion"] == "sad" and row["audio_path"] == "my talk.wav" and "start" not in row


def test_votes_of_several_annotators(recording: Path) -> None:
    task: dict[str, Any] = {"id": 7, "data": {"audio": "my talk.wav"}}
    task["annotations"] = [choice(1, "sad"), choice(2, "happy"), choice(3, "sad")]
    drafted(recording.parent, [task]).to_csv(recording.parent / "manifest.csv", index=False)
    (found,) = Generic(recording.parent).utterances()
    assert found.emotion == "sad" and found.start is None
    assert [(vote.annotator, vote.emotions) for vote in found.votes] == [
        ("1", ("sad",)),
        ("2", ("happy",)),
        ("3", ("sad",)),
    ]
    task["annotations"] = [
        choice(1, "sad"),
        choice(2, "happy"),
        choice(3, "sad", was_cancelled=True),
    ]
    (row,) = drafted(recording.parent, [task]).to_dict("records")
    assert row["emotion"] is None and "happy" in row["votes"]
    task["annotations"] = [choice(1, "sad"), choice(2, "happy", ground_truth=True)]
    (row,) = drafted(recording.parent, [task]).to_dict("records")
    assert row["emotion"] == "happy" and "votes" not in row


def test_what_is_no_export_is_one_error(recording: Path) -> None:
    region = {"from_name": "e", "type": "labels", "value": {"start": 0, "end": 1, "labels": ["x"]}}
    twice = [{"result": [region]}, {"result": [region]}]
    tasks = [
        {"id": 7, "data": {"audio": "my talk.wav"}, "annotations": twice},
        {"id": 8, "data": {"text": "hello"}, "annotations": [choice(1, "sad")]},
    ]
    with pytest.raises(MmserError, match=r"task 7: regions by several .*; task 8: no recording"):
        drafted(recording.parent, tasks)
    with pytest.raises(MmserError, match="an export of Label Studio"):
        drafted(recording.parent, {"a": 1})
