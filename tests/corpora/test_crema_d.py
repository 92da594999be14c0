"""CREMA-D's names, sound and picture together, the actors' sex."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.crema_d import CremaD


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(
        [
            "AudioWAV/1001_DFA_ANG_XX.wav",
            "VideoFlash/1001_DFA_ANG_XX.flv",
            "AudioWAV/1091_IEO_NEU_LO.wav",
        ]
    )
    expected = [
        {
            "id": "1001_DFA_ANG_XX",
            "speaker": "1001",
            "emotion": "anger",
            "transcript": "Don't forget a jacket.",
        },
        {
            "id": "1091_IEO_NEU_LO",
            "emotion": "neutral",
            "extra": {"sentence": "IEO", "level": "low"},
            "gender": "",
        },
    ]
    utterances = list(CremaD(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_sound_and_picture_meet_and_the_table_tells_the_sex(
    tmp_path: Path, tree: Callable[[list[str]], None]
) -> None:
    tree(["AudioWAV/1001_DFA_ANG_XX.wav", "VideoFlash/1001_DFA_ANG_XX.flv"])
    (tmp_path / "VideoDemographics.csv").write_text(
        "ActorID,Age,Sex,Race\n1001,51,Male,Caucasian\n"
    )
    (clip,) = CremaD(tmp_path).utterances()
    assert clip.audio_path == tmp_path / "AudioWAV/1001_DFA_ANG_XX.wav"
    assert clip.video_path == tmp_path / "VideoFlash/1001_DFA_ANG_XX.flv"
    assert clip.gender == "male"


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(CremaD(tmp_path).utterances())
