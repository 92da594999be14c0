"""A recording in a page, beside it, or as its sound alone."""

import base64
import io
import wave

import numpy as np
import pytest
from makers.sound_run import sound

from mmser.core.utterance import Utterance
from mmser.inference import film_copy
from mmser.inference import playable as module
from mmser.inference.playable import playable
from mmser.media.browser import media_type
from mmser.media.decode import stream_clips
from mmser.media.probe import Tracks, find_tracks
from mmser.media.write import write_avi, write_mp4, write_wav

FRAMES = np.zeros((10, 32, 48, 3), "uint8")


def test_small_files_lie_in_the_page(tmp_path):
    write_wav(tmp_path / "a.WAV", sound("happy", 0.5))
    player = playable(tmp_path / "a.WAV", tmp_path)
    kind, content = player.source.split(";base64,")
    assert player.kind == "audio" and kind == "data:audio/wav" and player.embedded
    assert base64.b64decode(content) == (tmp_path / "a.WAV").read_bytes()
    write_mp4(tmp_path / "a.mp4", FRAMES, 10.0, None)
    film = playable(tmp_path / "a.mp4", tmp_path)
    assert film.kind == "video" and film.source.startswith("data:video/mp4") and not film.remark


def test_large_files_are_linked_from_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "EMBEDDED_BYTES", 100)
    name = "javascript:a #1%<b>.wav"
    write_wav(tmp_path / name, sound("happy", 0.5))
    player = playable(tmp_path / name, tmp_path / "out")
    assert player.source == "./../javascript%3Aa%20%231%25%3Cb%3E.wav" and not player.embedded
    assert "too large" in player.remark


def content(player):
    return base64.b64decode(player.source.split(",")[1])


def test_a_film_that_browsers_do_not_play_is_coded_again(tmp_path):
    frames = np.zeros((25, 500, 700, 3), "uint8")
    frames[10:, :, :350] = 255
    # The ending says what browsers play, the codec does not.
    write_avi(tmp_path / "a.avi", frames, 10.0, sound("happy", 2.5))
    (tmp_path / "a.avi").rename(tmp_path / "a.mp4")
    player = playable(tmp_path / "a.mp4", tmp_path)
    assert player.kind == "video" and "a small copy" in player.remark
    (tmp_path / "copy.mp4").write_bytes(content(player))
    tracks = find_tracks(tmp_path / "copy.mp4")
    assert media_type(tracks) == "video/mp4" and tracks.seconds == pytest.approx(2.5, abs=0.1)
    whole = Utterance("a", "", "", video_path=tmp_path / "copy.mp4")
    (clip,) = stream_clips([whole], want_frames=True, frame_rate=4.0)
    assert clip.frames.shape[1:] == (240, 336, 3)
    lit = (clip.frames[:, :, :160].mean((1, 2, 3)) > 128).tolist()
    assert lit == [False] * 4 + [True] * 6
    assert clip.frames[:, :, 180:].max() < 60


def test_a_long_film_that_browsers_do_not_play_is_heard(tmp_path, monkeypatch):
    monkeypatch.setattr(film_copy, "LONGEST_COPY", 0.5)
    heard = sound("happy", 1.0)
    write_avi(tmp_path / "a.avi", FRAMES, 10.0, heard)
    player = playable(tmp_path / "a.avi", tmp_path)
    assert player.kind == "audio" and "its sound alone" in player.remark
    with wave.open(io.BytesIO(content(player))) as file:
        samples = np.frombuffer(file.readframes(10**6), "<i2") / 32767
    assert len(samples) == pytest.approx(len(heard), abs=200)
    assert np.abs(samples[: len(heard)] - heard[: len(samples)]).max() < 1e-3


@pytest.mark.parametrize(
    ("codecs", "pixels", "expected"),
    [
        (("h264", "aac"), "yuv420p", "video/mp4"),
        (("hevc", "aac"), "yuv420p", ""),
        (("mpeg4", "mp3"), "yuv420p", ""),
        (("h264",), "yuv444p", ""),
        (("h264", "pcm_s16le"), "yuv420p", ""),
    ],
)
def test_the_codec_decides(codecs, pixels, expected):
    assert media_type(Tracks(True, True, 1.0, "mov,mp4,m4a", codecs, pixels)) == expected


def test_a_page_with_nothing_beside_it_has_the_sound_or_no_player(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "EMBEDDED_BYTES", 100)
    write_wav(tmp_path / "a.wav", sound("happy", 0.5))
    player = playable(tmp_path / "a.wav", tmp_path, linked=False)
    assert player.embedded and player.remark.endswith("too large for this page: its sound alone.")
    write_mp4(tmp_path / "a.mp4", FRAMES, 10.0, None)
    player = playable(tmp_path / "a.mp4", tmp_path, linked=False)
    assert player.kind == "video" and player.remark.endswith(
        "too large for this page: a small copy."
    )
    monkeypatch.setattr(film_copy, "LONGEST_COPY", 0.5)
    player = playable(tmp_path / "a.mp4", tmp_path, linked=False)
    assert player.source == "" and player.remark.endswith("there is no player.")
    monkeypatch.setattr(module, "ALONE_BYTES", 100)
    assert playable(tmp_path / "a.wav", tmp_path, linked=False).source == ""
