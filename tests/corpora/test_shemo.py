"""ShEMO's names and transcripts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.shemo import Shemo


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["female/F01A02.wav", "male/M12W03.wav", "male/M012.wav"])
    expected = [
        {
            "id": "F01A02",
            "speaker": "F01",
            "gender": "female",
            "emotion": "anger",
            "language": "fa",
        },
        {
            "id": "M12W03",
            "speaker": "M12",
            "gender": "male",
            "emotion": "surprise",
            "transcript": None,
        },
    ]
    utterances = list(Shemo(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_transcripts(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["female/F01A02.wav"])
    entry = {
        "F01A02": {
            "speaker_id": "F01",
            "gender": "female",
            "emotion": "anger",
            "transcript": "سلام",
        }
    }
    (tmp_path / "shemo.json").write_text(json.dumps(entry), encoding="utf-8")
    (utterance,) = Shemo(tmp_path).utterances()
    assert utterance.transcript == "سلام"


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(Shemo(tmp_path).utterances())
