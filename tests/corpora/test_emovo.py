"""EMOVO's names in both audio formats."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.emovo import Emovo


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["EMOVO/f1/gio-f1-b2.wav", "EMOVO/m3/tri-m3-n5.flac", "EMOVO/documents/readme.wav"])
    expected = [
        {
            "id": "gio-f1-b2",
            "speaker": "f1",
            "gender": "female",
            "emotion": "joy",
            "extra": {"sentence": "b2"},
        },
        {
            "id": "tri-m3-n5",
            "speaker": "m3",
            "gender": "male",
            "emotion": "sadness",
            "language": "it",
        },
    ]
    utterances = list(Emovo(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(Emovo(tmp_path).utterances())
