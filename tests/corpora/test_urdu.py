"""URDU's names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.urdu import Urdu


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["Angry/SM1_F10_A010.wav", "Happy/SF7_F5_H043.wav"])
    expected = [
        {"id": "SF7_F5_H043", "speaker": "SF7", "gender": "female", "emotion": "happy"},
        {
            "id": "SM1_F10_A010",
            "speaker": "SM1",
            "gender": "male",
            "emotion": "angry",
            "language": "ur",
        },
    ]
    utterances = list(Urdu(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(Urdu(tmp_path).utterances())
