"""Corpora whose file names tell all: which utterances a tree of empty files becomes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmser.core.contracts import Corpus
from mmser.core.errors import MmserError
from mmser.corpora.casia import Casia
from mmser.corpora.crema_d import CremaD
from mmser.corpora.emovo import Emovo
from mmser.corpora.enterface05 import Enterface05
from mmser.corpora.savee import Savee
from mmser.corpora.shemo import Shemo
from mmser.corpora.tess import Tess
from mmser.corpora.urdu import Urdu

Tree = Callable[[list[str]], None]

TREES: dict[str, tuple[Callable[[Path], Corpus], list[str], list[dict[str, Any]]]] = {
    "tess": (
        Tess,
        [
            "TESS/OAF_angry/OAF_back_angry.wav",
            "TESS/TESS/OAF_angry/OAF_back_angry.wav",
            "TESS/OAF_neutral/OA_bite_neutral.wav",
            "TESS/YAF_pleasant_surprised/YAF_ring_ps.wav",
        ],
        [
            {
                "id": "OAF_back_angry",
                "speaker": "OAF",
                "emotion": "angry",
                "transcript": "Say the word back.",
            },
            {"id": "OAF_bite_neutral", "speaker": "OAF", "emotion": "neutral"},
            {"id": "YAF_ring_ps", "speaker": "YAF", "emotion": "surprise", "gender": "female"},
        ],
    ),
    "casia": (
        Casia,
        [
            "ZhaoZuoxiang/surprise/201.wav",
            "wangzhe/angry/201.wav",
            "wangzhe/notes/201.wav",
            "someone/angry/201.wav",
        ],
        [
            {"id": "wangzhe-angry-201", "speaker": "wangzhe", "gender": "male", "emotion": "angry"},
            {
                "id": "zhaozuoxiang-surprise-201",
                "speaker": "zhaozuoxiang",
                "emotion": "surprise",
                "language": "zh",
            },
        ],
    ),
    "urdu": (
        Urdu,
        ["Angry/SM1_F10_A010.wav", "Happy/SF7_F5_H043.wav"],
        [
            {"id": "SF7_F5_H043", "speaker": "SF7", "gender": "female", "emotion": "happy"},
            {
                "id": "SM1_F10_A010",
                "speaker": "SM1",
                "gender": "male",
                "emotion": "angry",
                "language": "ur",
            },
        ],
    ),
    "emovo": (
        Emovo,
        ["EMOVO/f1/gio-f1-b2.wav", "EMOVO/m3/tri-m3-n5.flac", "EMOVO/documents/readme.wav"],
        [
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
        ],
    ),
    "enterface05": (
        Enterface05,
        [
            "subject 1/anger/sentence 1/s1_an_1.avi",
            "subject 13/surprise/sentence 5/s_13_su_5.avi",
            "subject 6/sadness/s6_sa.avi",
            "extras/anger/clip.avi",
        ],
        [
            {"id": "s01-anger-1", "speaker": "01", "emotion": "anger", "audio_path": None},
            {"id": "s06-sadness-s6_sa", "speaker": "06", "emotion": "sadness", "extra": {}},
            {
                "id": "s13-surprise-5",
                "speaker": "13",
                "emotion": "surprise",
                "extra": {"sentence": "5"},
            },
        ],
    ),
    "savee": (
        Savee,
        [
            "AudioData/DC/a1.wav",
            "AudioVisualClip/DC/a1.avi",
            "AudioData/KL/su15.wav",
            "AudioData/Info/a1.wav",
        ],
        [
            {"id": "DC_a01", "speaker": "DC", "emotion": "anger", "gender": "male"},
            {"id": "KL_su15", "speaker": "KL", "emotion": "surprise", "video_path": None},
        ],
    ),
    "savee_flat": (
        Savee,
        ["ALL/JE_sa02.wav"],
        [{"id": "JE_sa02", "speaker": "JE", "emotion": "sadness"}],
    ),
    "crema_d": (
        CremaD,
        [
            "AudioWAV/1001_DFA_ANG_XX.wav",
            "VideoFlash/1001_DFA_ANG_XX.flv",
            "AudioWAV/1091_IEO_NEU_LO.wav",
        ],
        [
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
        ],
    ),
    "shemo": (
        Shemo,
        ["female/F01A02.wav", "male/M12W03.wav", "male/M012.wav"],
        [
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
        ],
    ),
}
"""Of each corpus: its parser, files, and fields of the utterances that they are."""

PARSERS = {parser for parser, _, _ in TREES.values()}


@pytest.mark.parametrize("name", TREES)
def test_the_tree(name: str, tmp_path: Path, tree: Tree) -> None:
    parser, files, expected = TREES[name]
    tree(files)
    utterances = list(parser(tmp_path).utterances())
    assert len(utterances) == len(expected)
    for utterance, facts in zip(utterances, expected, strict=True):
        assert {field: getattr(utterance, field) for field in facts} == facts
        assert any(path and path.is_file() for path in (utterance.audio_path, utterance.video_path))


@pytest.mark.parametrize("parser", sorted(PARSERS, key=str))
def test_a_wrong_folder_is_refused(
    parser: Callable[[Path], Corpus], tmp_path: Path, tree: Tree
) -> None:
    tree(["hello.txt"])
    with pytest.raises(MmserError, match=r"found hello\.txt in .*Set corpus\.root"):
        list(parser(tmp_path).utterances())
