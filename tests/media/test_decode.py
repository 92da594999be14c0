"""Decoding: what comes out of good files, and the reason each kind of bad file is given."""

from __future__ import annotations

import itertools
import os
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmser.core.clip import SAMPLE_RATE, Clip
from mmser.core.utterance import Utterance
from mmser.media import container, cuts, decode, file_pass, plain_wav
from mmser.media.decode import decode_clips, stream_clips
from mmser.media.write import write_avi, write_mp4, write_wav

SECONDS, RATE = 2.0, 25
TIME = np.arange(int(SECONDS * 16000)) / 16000
TONE = (0.5 * np.sin(2 * np.pi * 440 * TIME)).astype(np.float32)


def ramp() -> np.ndarray:
    """Frames whose left half is red, right half blue, and whose green tells the time."""
    frames = np.zeros((int(SECONDS * RATE), 64, 96, 3), np.uint8)
    frames[:, :, :48, 0] = 200
    frames[:, :, 48:, 2] = 200
    frames[..., 1] = np.arange(len(frames))[:, None, None] * 4
    return frames


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    write_mp4(folder / "good.mp4", ramp(), RATE, TONE)
    write_avi(folder / "good.avi", ramp(), RATE, TONE)
    write_wav(folder / "good.wav", TONE)
    write_mp4(folder / "mute.mp4", ramp(), RATE, None)
    write_mp4(folder / "silent.mp4", ramp(), RATE, TONE * 0)
    return folder


def clip_of(path: Path, **options: object) -> Clip:
    frames = options.pop("want_frames", False)
    limits = {key: options.pop(key) for key in ("max_seconds", "frame_rate") if key in options}
    utterance = Utterance(id="u", corpus="c", speaker="s", video_path=path, **options)  # type: ignore[arg-type]
    (clip,) = decode_clips([utterance], want_frames=bool(frames), **limits)  # type: ignore[arg-type]
    return clip


def reasons(clip: Clip) -> dict[str | None, str]:
    return {failure.modality: failure.reason for failure in clip.failures}


def test_sound_and_pictures_of_an_mp4(media: Path) -> None:
    clip = clip_of(media / "good.mp4", want_frames=True, frame_rate=5)
    assert clip.failures == () and clip.waveform is not None and clip.frames is not None
    assert clip.waveform.dtype == np.float32
    assert abs(len(clip.waveform) - len(TONE)) <= 1024  # AAC codes whole blocks
    assert np.abs(clip.waveform[2000:30000] - TONE[2000:30000]).max() < 0.03
    assert clip.frames.shape == (10, 64, 96, 3) and clip.frame_rate == 5
    # Frame k shows k / 5 s, that is source frame 5 k with green 20 k.
    assert np.abs(clip.frames[:, 32, 20, 1].astype(int) - np.arange(10) * 20).max() <= 8


def test_cutting_by_start_and_end(media: Path) -> None:
    clip = clip_of(media / "good.avi", want_frames=True, start=0.5, end=1.25, frame_rate=4)
    assert clip.waveform is not None and clip.frames is not None
    np.testing.assert_allclose(clip.waveform, TONE[8000:20000], atol=1e-4)
    assert clip.frames.shape[0] == 3
    assert (
        np.abs(clip.frames[:, 32, 20, 1].astype(int) - (12.5 + np.arange(3) * 6.25) * 4).max() <= 10
    )


@pytest.mark.parametrize(("side", "colour"), [("left", 0), ("right", 2)])
def test_half_of_the_picture(media: Path, side: str, colour: int) -> None:
    clip = clip_of(media / "good.avi", want_frames=True, face_side=side)
    assert clip.frames is not None and clip.frames.shape[2] == 48
    assert clip.frames[0, 32, 24, colour] > 150 > clip.frames[0, 32, 24, 2 - colour]


def test_order_and_one_opening_per_file(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []

    def counting(path: Path, *arguments: object) -> object:
        opened.append(path)
        return plain_wav.read_media(path, *arguments)

    monkeypatch.setattr(decode, "read_media", counting)
    video, sound = media / "good.avi", media / "good.wav"
    items = [
        Utterance("late", "c", "s", start=1.0, end=1.5, video_path=video),
        Utterance("own sound", "c", "s", start=0.0, end=0.5, video_path=video, audio_path=sound),
        Utterance("early", "c", "s", start=0.0, end=0.5, video_path=video),
    ]
    clips = decode_clips(items, want_frames=True)
    assert [clip.id for clip in clips] == ["late", "own sound", "early"]
    assert sorted(opened) == [video, sound]
    # A separate audio file belongs to the utterance as a whole.
    assert [len(clip.waveform) for clip in clips if clip.waveform is not None] == [
        8000,
        32000,
        8000,
    ]
    assert [clip.id for clip in stream_clips(items, want_frames=True)][-1] == "late"


def test_audio_file_alone_is_cut_by_the_times(media: Path) -> None:
    (clip,) = decode_clips(
        [Utterance("u", "c", "s", start=0.25, end=0.5, audio_path=media / "good.wav")]
    )
    np.testing.assert_allclose(clip.waveform, TONE[4000:8000], atol=1e-4)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_any_rate_becomes_16_khz_mono_at_the_same_level(
    tmp_path: Path, rate: int, channels: int
) -> None:
    time = np.arange(rate) / rate
    tone = (0.9 * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
    write_wav(tmp_path / "a.wav", np.stack([tone] * channels), rate)
    waveform = clip_of(tmp_path / "a.wav").waveform
    assert waveform is not None and abs(len(waveform) - 16000) <= 16
    expected = 0.9 * np.sin(2 * np.pi * 300 * np.arange(16000) / 16000)
    inner = slice(500, 15500)
    assert np.abs(waveform[inner] - expected[inner]).max() < 0.01


def test_content_counts_not_the_name(media: Path, tmp_path: Path) -> None:
    (tmp_path / "really_a_wav.mp4").write_bytes((media / "good.wav").read_bytes())
    (tmp_path / "no_suffix").write_bytes((media / "good.mp4").read_bytes())
    assert clip_of(tmp_path / "really_a_wav.mp4").failures == ()
    assert clip_of(tmp_path / "no_suffix", want_frames=True).failures == ()


def cut_short(name: str) -> Callable[[Path, Path], None]:
    def write(media: Path, path: Path) -> None:
        content = (media / name).read_bytes()
        path.write_bytes(content[: len(content) // 2])

    return write


def header_only(media: Path, path: Path) -> None:
    path.write_bytes((media / "good.wav").read_bytes()[:44])


def not_finite(media: Path, path: Path) -> None:
    write_wav(
        path, np.where(np.arange(len(TONE)) == 99, np.nan, TONE).astype(np.float32), kind="float32"
    )


def play_list(media: Path, path: Path) -> None:
    path.write_text(f"#EXTM3U\n#EXTINF:2,\nfile:{media / 'good.mp4'}\n#EXT-X-ENDLIST\n")


def script(media: Path, path: Path) -> None:
    path.write_text(f"ffconcat version 1.0\nfile '{media / 'good.mp4'}'\n")


FAULTS: dict[str, tuple[Callable[[Path, Path], object], str, str]] = {
    "nothing.mp4": (lambda media, path: None, "missing file", "missing file"),
    "folder.mp4": (lambda media, path: path.mkdir(), "not a media file", "not a media file"),
    "pipe.wav": (lambda media, path: os.mkfifo(path), "not a media file", "not a media file"),
    "text.mp4": (
        lambda media, path: path.write_text("so it goes\n" * 500),
        "not a media file",
        "not a media file",
    ),
    "list.mp4": (play_list, "not a media file", "not a media file"),
    "script.mp4": (script, "not a media file", "not a media file"),
    "noise.mp4": (
        lambda media, path: path.write_bytes(os.urandom(9000)),
        "not a media file",
        "not a media file",
    ),
    "empty.mp4": (lambda media, path: path.touch(), "zero length", "zero length"),
    "header.wav": (header_only, "zero length", "no video track"),
    "cut.mp4": (cut_short("good.mp4"), "truncated", "truncated"),
    "cut.wav": (cut_short("good.wav"), "truncated", "no video track"),
    "cut.avi": (cut_short("good.avi"), "truncated", "undecodable"),
    "nan.wav": (not_finite, "not finite", "no video track"),
    "quiet.wav": (lambda media, path: write_wav(path, TONE * 1e-3), "silence", "no video track"),
    "zeros.wav": (lambda media, path: write_wav(path, TONE * 0), "silence", "no video track"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_get_their_reason(media: Path, tmp_path: Path, name: str) -> None:
    make, audio, face = FAULTS[name]
    make(media, tmp_path / name)
    clip = clip_of(tmp_path / name, want_frames=True)
    assert reasons(clip) == {"audio": audio, "face": face}
    assert (
        clip.waveform is None
        and clip.frames is None
        and all(failure.id == "u" for failure in clip.failures)
    )


def test_one_missing_track_leaves_the_other(media: Path) -> None:
    mute, silent = (clip_of(media / name, want_frames=True) for name in ("mute.mp4", "silent.mp4"))
    assert reasons(mute) == {"audio": "no audio track"} and mute.frames is not None
    assert reasons(silent) == {"audio": "silence"} and silent.frames is not None
    wav = clip_of(media / "good.wav", want_frames=True)
    assert reasons(wav) == {"face": "no video track"} and wav.waveform is not None


def test_no_path_at_all() -> None:
    (clip,) = decode_clips([Utterance("u", "c", "s")], want_frames=True)
    assert reasons(clip) == {"audio": "no audio track", "face": "no video track"}


def test_damage_in_the_middle_is_undecodable(media: Path, tmp_path: Path) -> None:
    content = bytearray((media / "good.mp4").read_bytes())
    begin = content.index(b"mdat") + 200
    content[begin : content.index(b"moov") - 8] = os.urandom(content.index(b"moov") - 8 - begin)
    (tmp_path / "damaged.mp4").write_bytes(bytes(content))
    assert set(reasons(clip_of(tmp_path / "damaged.mp4", want_frames=True)).values()) == {
        "undecodable"
    }


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [(1.0, 1.0, "zero length"), (1.5, 1.0, "zero length"), (5.0, 6.0, "truncated"), (1.0, 4.0, "truncated"),
     (float("nan"), 1.0, "zero length"), (0.0, 1e9, "too long")],
)  # fmt: skip
def test_impossible_times(media: Path, start: float, end: float, reason: str) -> None:
    clip = clip_of(media / "good.avi", want_frames=True, start=start, end=end)
    assert reasons(clip) == {"audio": reason, "face": reason}


def test_an_end_a_little_beyond_the_file_is_rounding(media: Path) -> None:
    assert clip_of(media / "good.avi", start=0.5, end=2.1).failures == ()


def test_limit_on_seconds(media: Path) -> None:
    clip = clip_of(media / "good.mp4", want_frames=True, max_seconds=1.0)
    assert reasons(clip) == {"audio": "too long", "face": "too long"}


def test_limit_on_seconds_without_a_stated_length(tmp_path: Path) -> None:
    # A wav of unknown length, as a recorder writes it to a pipe.
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((TONE * 32767).astype(np.int16).tobytes())
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(bytes(content))
    assert clip_of(tmp_path / "a.wav", max_seconds=5.0).failures == ()
    assert reasons(clip_of(tmp_path / "a.wav", max_seconds=1.0)) == {"audio": "too long"}


def test_limits_on_pixels_memory_and_time(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(container, "MAX_PIXELS", 1000)
        assert reasons(clip_of(media / "good.mp4", want_frames=True)) == {"face": "too long"}
    with monkeypatch.context() as patch:
        patch.setattr(cuts, "MAX_FRAME_BYTES", 3 * 64 * 96 * 3)
        assert reasons(clip_of(media / "good.mp4", want_frames=True)) == {"face": "too long"}
    ticks = itertools.count(step=100)
    monkeypatch.setattr(file_pass.time, "monotonic", lambda: float(next(ticks)))
    assert "given up" in clip_of(media / "good.mp4", want_frames=True).failures[0].detail


@pytest.mark.parametrize("name", ["good.mp4", "good.avi"])
def test_a_slow_caller_does_not_use_up_the_files_time(
    media: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A recogniser and encoders on a busy machine take minutes between two clips."""
    now = 0.0
    monkeypatch.setattr(file_pass.time, "monotonic", lambda: now)
    utterances = [
        Utterance(str(half), "c", "s", start=half, end=half + 0.5, video_path=media / name)
        for half in (0.0, 0.5, 1.0, 1.5)
    ]
    for clip in stream_clips(utterances, want_frames=True):
        now += 1000.0
        assert clip.failures == () and clip.frames is not None and clip.waveform is not None


def test_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    write_avi(tmp_path / "wide.avi", np.full((2, 200, 2560, 3), 90, np.uint8), 5, None)
    frames = clip_of(tmp_path / "wide.avi", want_frames=True).frames
    assert frames is not None and frames.shape[1:] == (100, 1280, 3)


@pytest.mark.parametrize("rate", [0, 1, 2_000_000_000])
def test_impossible_sample_rates_are_a_damaged_header(
    media: Path, tmp_path: Path, rate: int
) -> None:
    content = bytearray((media / "good.wav").read_bytes())
    content[24:28] = struct.pack("<I", rate)
    (tmp_path / "a.wav").write_bytes(bytes(content))
    assert reasons(clip_of(tmp_path / "a.wav"))["audio"] in ("undecodable", "too long")


def test_pictures_of_a_turned_camera_stand_upright(media: Path, tmp_path: Path) -> None:
    content = bytearray((media / "mute.mp4").read_bytes())
    at = content.index(b"tkhd") + 44
    # The matrix a telephone writes when held upright: show the picture turned clockwise by a
    # quarter.
    content[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(bytes(content))
    frames = clip_of(tmp_path / "turned.mp4", want_frames=True).frames
    assert frames is not None and frames.shape[1:3] == (96, 64)
    assert (
        frames[0, 20, 32, 0] > 150 and frames[0, 76, 32, 2] > 150
    )  # what was left (red) is on top


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["good.mp4", "good.avi", "good.wav"])
def test_random_damage_never_raises(media: Path, tmp_path: Path, name: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    content = bytearray((media / name).read_bytes())
    for _ in range(30):
        # Damage to the headers at either end is more interesting than damage in between.
        at = (
            int(random.integers(0, 200))
            if random.random() < 0.3
            else int(random.integers(0, len(content)))
        )
        content[at] = int(random.integers(256))
    (tmp_path / name).write_bytes(bytes(content))
    clip = clip_of(tmp_path / name, want_frames=True)
    assert (clip.waveform is None) == ("audio" in reasons(clip))
    assert (clip.frames is None) == ("face" in reasons(clip))


def test_one_bad_utterance_does_not_touch_its_neighbours(media: Path) -> None:
    items = [
        Utterance("good", "c", "s", start=0.0, end=1.0, video_path=media / "good.avi"),
        Utterance("bad", "c", "s", start=8.0, end=9.0, video_path=media / "good.avi"),
        Utterance("gone", "c", "s", video_path=media / "gone.avi"),
    ]
    assert [len(clip.failures) for clip in decode_clips(items)] == [0, 1, 1]


def test_an_utterance_is_not_asked_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour of talk has a thousand utterances: all of them at every block would take longer than
    decoding.
    """
    write_wav(
        tmp_path / "a.wav",
        np.random.default_rng(0).uniform(-0.5, 0.5, 10 * SAMPLE_RATE).astype(np.float32),
    )
    asked, add = [], cuts.AudioCut.add
    monkeypatch.setattr(
        cuts.AudioCut, "add", lambda cut, block: asked.append(cut) or add(cut, block)
    )
    spans = [(k / 10, (k + 1) / 10) for k in range(100)]
    items = [
        Utterance(f"{a}", "c", "s", start=a, end=b, audio_path=tmp_path / "a.wav")
        for a, b in reversed(spans)
    ]
    clips = decode_clips(items)
    assert [clip.id for clip in clips] == [item.id for item in items]
    assert {len(clip.waveform) for clip in clips} == {SAMPLE_RATE // 10}
    assert len(asked) < 500  # one or two utterances at each of some 160 blocks, not a hundred
