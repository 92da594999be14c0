"""eNTERFACE'05: folders say subject and emotion, file names vary."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.enterface05 import Enterface05


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(
        [
            "subject 1/anger/sentence 1/s1_an_1.avi",
            "subject 13/surprise/sentence 5/s_13_su_5.avi",
            "subject 6/sadness/s6_sa.avi",
            "extras/anger/clip.avi",
        ],
    )
    expected = [
        {"id": "s01-anger-1", "speaker": "01", "emotion": "anger", "audio_path": None},
        {"id": "s06-sadness-s6_sa", "speaker": "06", "emotion": "sadness", "extra": {}},
        {
            "id": "s13-surprise-5",
            "speaker": "13",
            "emotion": "surprise",
            "extra": {"sentence": "5"},
        },
    ]
    utterances = list(Enterface05(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(Enterface05(tmp_path).utterances())
