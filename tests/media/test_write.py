"""Writing: round trips, equal bytes, whole files only, and clear errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.media.decode import decode_clips
from mmser.media.write import whole_file, write_avi, write_mp4, write_wav

NOISE = np.random.default_rng(0).uniform(-0.9, 0.9, 8000).astype(np.float32)
FRAMES = np.repeat(
    np.linspace(0, 240, 10, dtype=np.uint8)[:, None, None, None], 64 * 48 * 3, axis=3
).reshape(10, 48, 64, 3)


def waveform_of(path: Path) -> np.ndarray:
    (clip,) = decode_clips([Utterance("u", "c", "s", audio_path=path)])
    assert clip.waveform is not None, clip.failures
    return clip.waveform


@pytest.mark.parametrize(("kind", "error"), [("int16", 1.6e-5), ("float32", 0.0)])
def test_wav_comes_back(tmp_path: Path, kind: str, error: float) -> None:
    write_wav(tmp_path / "a.wav", NOISE, kind=kind)  # type: ignore[arg-type]
    assert np.abs(waveform_of(tmp_path / "a.wav") - NOISE).max() <= error


def test_int16_clips_instead_of_wrapping(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.array([1.5, -1.5] * 500, dtype=np.float32))
    waveform = waveform_of(tmp_path / "a.wav")
    assert waveform[::2].min() > 0.99 and waveform[1::2].max() == -1.0


@pytest.mark.parametrize("codec", ["pcm_s16le", "libmp3lame"])
def test_avi_comes_back(tmp_path: Path, codec: str) -> None:
    write_avi(tmp_path / "a.avi", FRAMES, 20, NOISE, audio_codec=codec)  # type: ignore[arg-type]
    (clip,) = decode_clips(
        [Utterance("u", "c", "s", video_path=tmp_path / "a.avi")], want_frames=True, frame_rate=20
    )
    assert clip.failures == () and clip.frames is not None and clip.waveform is not None
    assert abs(len(clip.waveform) - len(NOISE)) <= 2304
    assert (
        np.abs(clip.frames[:10].mean(axis=(1, 2, 3))[:9] - FRAMES.mean(axis=(1, 2, 3))[:9]).max()
        < 60
    )


def test_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_mp4(tmp_path / f"{name}.mp4", FRAMES, 20, NOISE)
        write_avi(tmp_path / f"{name}.avi", FRAMES, 20, NOISE)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert (tmp_path / "a.avi").read_bytes() == (tmp_path / "b.avi").read_bytes()


def test_moving_pictures_give_the_same_bytes_every_time(tmp_path: Path) -> None:
    """x264's macroblock tree gave thirteen different films in forty."""
    tiles = (
        np.random.default_rng(0)
        .integers(0, 255, (15, 20, 3), dtype=np.uint8)
        .repeat(8, axis=0)
        .repeat(8, axis=1)
    )
    moving = np.stack([np.roll(tiles, step, axis=1) for step in range(30)])
    films = set()
    for _ in range(12):
        write_mp4(tmp_path / "a.mp4", moving, 15.0, None)
        films.add((tmp_path / "a.mp4").read_bytes())
    assert len(films) == 1


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a.wav") as aside:
        aside.write_bytes(b"half")
        raise KeyboardInterrupt
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.parametrize(
    ("waveform", "message"),
    [(np.zeros((3, 4, 5)), "one or two channels"), (np.array([0.0, np.nan]), "finite samples")],
)
def test_bad_waveforms_are_refused(tmp_path: Path, waveform: np.ndarray, message: str) -> None:
    with pytest.raises(MmserError, match=message):
        write_wav(tmp_path / "a.wav", waveform)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "frames", [FRAMES[:, :47], FRAMES.astype(np.float32), FRAMES[..., 0], FRAMES[:0]]
)
def test_bad_frames_are_refused(tmp_path: Path, frames: np.ndarray) -> None:
    with pytest.raises(MmserError, match="uint8 of even height and width"):
        write_mp4(tmp_path / "a.mp4", frames, 20, NOISE)
