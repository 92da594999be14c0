"""TESS: file names alone count; a copy nested in itself gives each clip once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.tess import Tess


def test_the_tree(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(
        [
            "TESS/OAF_angry/OAF_back_angry.wav",
            "TESS/TESS/OAF_angry/OAF_back_angry.wav",
            "TESS/OAF_neutral/OA_bite_neutral.wav",
            "TESS/YAF_pleasant_surprised/YAF_ring_ps.wav",
        ],
    )
    expected = [
        {
            "id": "OAF_back_angry",
            "speaker": "OAF",
            "emotion": "angry",
            "transcript": "Say the word back.",
        },
        {"id": "OAF_bite_neutral", "speaker": "OAF", "emotion": "neutral"},
        {"id": "YAF_ring_ps", "speaker": "YAF", "emotion": "surprise", "gender": "female"},
    ]
    utterances = list(Tess(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, fields in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in fields} == fields
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


def test_a_wrong_folder_is_refused(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(Tess(tmp_path).utterances())
