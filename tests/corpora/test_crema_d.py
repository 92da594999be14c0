"""CREMA-D: sound and picture together, the actors' sex."""

from collections.abc import Callable
from pathlib import Path

from mmser.corpora.crema_d import CremaD


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
