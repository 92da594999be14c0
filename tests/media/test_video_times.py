"""Which picture is on screen when: pictures that are held, lost, late or stamped in
milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmser.core.clip import Clip
from mmser.core.utterance import Utterance
from mmser.media.decode import decode_clips

STEP = 4
"""Levels of grey between two pictures."""

CALL = (*range(26), *range(100, 125))
"""When the pictures of a call appear that freezes from 1 to 4 s, in 1/25 s."""


def film(
    path: Path, shown: Sequence[int], b_frames: int = 2, hold: int = 1, lost: Sequence[int] = ()
) -> None:
    """Pictures at ``shown`` / 25 s, number n of the list grey at n * `STEP`; the last one stays for
    ``hold`` / 25 s.

    The packets numbered ``lost`` cannot be decoded.
    """
    import av

    with av.open(str(path), "w") as file:
        track = file.add_stream("libx264", rate=25)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        track.codec_context.time_base = Fraction(1, 25)
        track.codec_context.max_b_frames = b_frames
        track.options = {"crf": "10", "preset": "veryfast", **({"g": "1"} if lost else {})}
        packets: list[av.Packet] = []
        for number, at in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), number * STEP, np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = at, Fraction(1, 25)
            packets += track.encode(frame)
        packets += track.encode(None)
        packets[-1].duration = round(hold * Fraction(1, 25) / packets[-1].time_base)
        for number, packet in enumerate(packets):
            file.mux(damaged(packet) if number in lost else packet)


def damaged(packet: Any) -> Any:
    import av

    noise = av.Packet(b"\0\0\0\1" + os.urandom(packet.size))
    noise.stream, noise.pts, noise.dts, noise.time_base = (
        packet.stream,
        packet.pts,
        packet.dts,
        packet.time_base,
    )
    return noise


def clip_of(path: Path, start: float | None, end: float | None, rate: float = 5.0) -> Clip:
    utterance = Utterance("u", "c", "s", start=start, end=end, video_path=path)
    (clip,) = decode_clips([utterance], want_audio=False, want_frames=True, frame_rate=rate)
    return clip


def numbers(clip: Clip) -> list[int]:
    """Which pictures of the film were taken."""
    assert clip.failures == () and clip.frames is not None
    return [round(float(frame.mean()) / STEP) for frame in clip.frames]


def on_screen(shown: Sequence[int], start: float, end: float, rate: float = 5.0) -> list[int]:
    """The same by counting, in exact numbers."""
    first, last = (Fraction(time).limit_denominator(1000) for time in (start, end))
    times = [first + k / Fraction(rate) for k in range(round((end - start) * rate) + 1)]
    return [
        max(n for n, at in enumerate(shown) if at <= 25 * time) for time in times if time < last
    ]


@pytest.mark.parametrize("name", ["call.mp4", "call.mkv", "call.mov"])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize(
    ("start", "end"), [(0.1, 0.9), (1.3, 2.6), (2.7, 3.8), (0.2, 4.8), (3.9, 4.5), (0.0, 5.0)]
)
def test_a_held_picture_stays_until_the_next(
    tmp_path: Path, name: str, b_frames: int, start: float, end: float
) -> None:
    film(tmp_path / name, CALL, b_frames=b_frames)
    assert numbers(clip_of(tmp_path / name, start, end)) == on_screen(CALL, start, end)


def test_as_many_pictures_of_a_whole_file_as_of_a_steady_one(tmp_path: Path) -> None:
    film(tmp_path / "call.mp4", CALL)
    film(tmp_path / "steady.mp4", [*range(0, 125, 5)])
    whole = numbers(clip_of(tmp_path / "call.mp4", None, None))
    assert whole == on_screen(CALL, 0.0, 5.0)
    assert len(numbers(clip_of(tmp_path / "steady.mp4", None, None))) == len(whole) == 25


@pytest.mark.parametrize("rate", [3.0, 7.0, 12.5])
def test_stamps_in_milliseconds_are_rounding(tmp_path: Path, rate: float) -> None:
    steady = [*range(50)]
    film(tmp_path / "a.mkv", steady)
    assert numbers(clip_of(tmp_path / "a.mkv", 0.0, 2.0, rate)) == on_screen(steady, 0.0, 2.0, rate)


def test_the_last_picture_is_held_as_long_as_its_file_says(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", range(25), b_frames=0, hold=50)
    assert numbers(clip_of(tmp_path / "a.mp4", 0.6, 2.6)) == on_screen(range(25), 0.6, 2.6)
    after = clip_of(tmp_path / "a.mp4", 3.2, 4.0)
    assert [failure.reason for failure in after.failures] == ["truncated"]


def test_a_film_that_stops_is_not_a_held_picture(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", range(25))
    for start, end in ((1.2, 2.0), (0.5, 2.0)):
        assert [failure.reason for failure in clip_of(tmp_path / "a.mp4", start, end).failures] == [
            "truncated"
        ]


@pytest.mark.parametrize(("first", "good"), [(5, True), (50, False)])
def test_what_comes_before_the_first_picture_is_missing(
    tmp_path: Path, first: int, good: bool
) -> None:
    # Sound begins at 0 s; a fifth of a second is the rounding of recorders, two of 2.4 seconds are
    # no picture.
    import av

    film(tmp_path / "late.mkv", range(first, 60), b_frames=0)
    with (
        av.open(str(tmp_path / "late.mkv")) as late,
        av.open(str(tmp_path / "both.mkv"), "w") as file,
    ):
        sound = file.add_stream("pcm_s16le", rate=16_000, layout="mono")  # type: ignore[call-overload]
        picture = file.add_stream_from_template(late.streams.video[0])
        frame = av.AudioFrame.from_ndarray(
            np.ones((1, 38_400), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = 16_000, 0
        file.mux(sound.encode(frame))
        file.mux(sound.encode(None))
        for packet in late.demux(video=0):
            if packet.size:
                packet.stream = picture
                file.mux(packet)
    for start, end in ((0.0, 2.4), (None, None)):
        clip = clip_of(tmp_path / "both.mkv", start, end)
        if good:
            assert numbers(clip)[:3] == [0, 0, 5]
        else:
            assert [failure.reason for failure in clip.failures] == ["truncated"]


@pytest.mark.parametrize(("lost", "good"), [(range(20, 22), True), (range(10, 30), False)])
def test_a_picture_does_not_stay_for_those_that_are_lost(
    tmp_path: Path, lost: Sequence[int], good: bool
) -> None:
    film(tmp_path / "a.mkv", range(50), lost=lost)
    clip = clip_of(tmp_path / "a.mkv", 0.0, 2.0)
    if good:
        assert numbers(clip) == [0, 5, 10, 15, 19, 25, 30, 35, 40, 45]
    else:
        assert [failure.reason for failure in clip.failures] == ["undecodable"]
