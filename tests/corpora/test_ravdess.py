"""RAVDESS's seven-field names, its modalities and channels."""

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.ravdess import Ravdess


@pytest.fixture
def root(tmp_path: Path) -> Path:
    names = (
        "Audio_Speech/Actor_12/03-01-06-01-02-01-12.wav",
        "Video_Speech/Actor_12/01-01-06-01-02-01-12.mp4",
        "Video_Speech/Actor_12/02-01-06-01-02-01-12.mp4",
        "Video_Speech/Actor_01/01-01-01-01-01-02-01.mp4",
        "Video_Speech/Actor_01/02-01-08-02-01-02-01.mp4",
        "Audio_Song/Actor_01/03-02-05-02-01-01-01.flac",
        "Audio_Speech/Actor_01/03-01-09-01-01-01-01.wav",
        "Audio_Speech/Actor_01/readme.wav",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_sound_and_picture_of_a_take_are_one_utterance(root: Path) -> None:
    neutral, fearful = Ravdess(root).utterances()
    assert (fearful.id, fearful.speaker, fearful.gender) == ("03-01-06-01-02-01-12", "12", "female")
    assert (fearful.emotion, fearful.transcript) == ("fearful", "Dogs are sitting by the door.")
    assert fearful.audio_path == root / "Audio_Speech/Actor_12/03-01-06-01-02-01-12.wav"
    assert fearful.video_path == root / "Video_Speech/Actor_12/01-01-06-01-02-01-12.mp4"
    assert fearful.extra == {
        "intensity": "normal",
        "repetition": "1",
        "channel": "speech",
        "sentence": "2",
    }
    assert (neutral.id, neutral.gender, neutral.audio_path) == (
        "03-01-01-01-01-02-01",
        "male",
        None,
    )
    assert neutral.emotion == "neutral"


def test_song_is_a_channel_of_its_own(root: Path) -> None:
    (song,) = Ravdess(root, channel="song").utterances()
    assert (song.emotion, song.extra["intensity"], song.extra["channel"]) == (
        "angry",
        "strong",
        "song",
    )


def test_wrong_folder_and_channel(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"RAVDESS: Actor_XX folders .*found nothing in"):
        list(Ravdess(tmp_path).utterances())
    with pytest.raises(MmserError, match="channel speech or song; found 'talk'"):
        Ravdess(tmp_path, channel="talk")
