"""SAVEE in its official and its flat layout, sound and picture together."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.savee import Savee


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(
        [
            "AudioData/DC/a1.wav",
            "AudioVisualClip/DC/a1.avi",
            "AudioData/KL/su15.wav",
            "AudioData/Info/a1.wav",
        ]
    )
    expected = [
        {"id": "DC_a01", "speaker": "DC", "emotion": "anger", "gender": "male"},
        {"id": "KL_su15", "speaker": "KL", "emotion": "surprise", "video_path": None},
    ]
    utterances = list(Savee(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_the_flat_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["ALL/JE_sa02.wav"])
    expected = [{"id": "JE_sa02", "speaker": "JE", "emotion": "sadness"}]
    utterances = list(Savee(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_sound_and_picture_meet(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["AudioData/DC/n01.wav", "AudioVisualClip/DC/n1.avi"])
    (take,) = Savee(tmp_path).utterances()
    assert take.audio_path == tmp_path / "AudioData/DC/n01.wav"
    assert take.video_path == tmp_path / "AudioVisualClip/DC/n1.avi"


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(Savee(tmp_path).utterances())
