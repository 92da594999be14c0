"""A recording in a page, beside it, or as its sound alone."""

import base64
import io
import wave

import numpy as np
import pytest
from makers.sound_run import sound

from mmser.inference import playable as module
from mmser.inference.playable import playable
from mmser.media.write import write_avi, write_mp4, write_wav

FRAMES = np.zeros((10, 32, 48, 3), "uint8")


def test_small_files_lie_in_the_page(tmp_path):
    write_wav(tmp_path / "a.WAV", sound("happy", 0.5))
    player = playable(tmp_path / "a.WAV", tmp_path)
    kind, content = player.source.split(";base64,")
    assert player.kind == "audio" and kind == "data:audio/wav" and player.embedded
    assert base64.b64decode(content) == (tmp_path / "a.WAV").read_bytes()
    write_mp4(tmp_path / "a.mp4", FRAMES, 10.0, None)
    assert playable(tmp_path / "a.mp4", tmp_path).kind == "video"


def test_large_files_are_linked_from_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "EMBEDDED_BYTES", 100)
    name = "javascript:a #1%<b>.wav"
    write_wav(tmp_path / name, sound("happy", 0.5))
    player = playable(tmp_path / name, tmp_path / "out")
    assert player.source == "./../javascript%3Aa%20%231%25%3Cb%3E.wav" and not player.embedded
    assert "too large" in player.remark


def test_a_film_that_browsers_do_not_play_is_heard(tmp_path):
    heard = sound("happy", 1.0)
    write_avi(tmp_path / "a.avi", FRAMES, 10.0, heard)
    player = playable(tmp_path / "a.avi", tmp_path)
    assert player.kind == "audio" and ".avi" in player.remark
    with wave.open(io.BytesIO(base64.b64decode(player.source.split(",")[1]))) as file:
        samples = np.frombuffer(file.readframes(10**6), "<i2") / 32767
    assert len(samples) == pytest.approx(len(heard), abs=200)
    assert np.abs(samples[: len(heard)] - heard[: len(samples)]).max() < 1e-3
