"""CASIA: speaker and emotion are folders."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.casia import Casia


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(
        [
            "ZhaoZuoxiang/surprise/201.wav",
            "wangzhe/angry/201.wav",
            "wangzhe/notes/201.wav",
            "someone/angry/201.wav",
        ],
    )
    expected = [
        {"id": "wangzhe-angry-201", "speaker": "wangzhe", "gender": "male", "emotion": "angry"},
        {
            "id": "zhaozuoxiang-surprise-201",
            "speaker": "zhaozuoxiang",
            "emotion": "surprise",
            "language": "zh",
        },
    ]
    utterances = list(Casia(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(Casia(tmp_path).utterances())
