"""SAVEE: sound and picture of a take together."""

from collections.abc import Callable
from pathlib import Path

from mmser.corpora.savee import Savee


def test_sound_and_picture_meet(tmp_path: Path, tree: Callable[[list[str]], None]) -> None:
    tree(["AudioData/DC/n01.wav", "AudioVisualClip/DC/n1.avi"])
    (take,) = Savee(tmp_path).utterances()
    assert take.audio_path == tmp_path / "AudioData/DC/n01.wav"
    assert take.video_path == tmp_path / "AudioVisualClip/DC/n1.avi"
