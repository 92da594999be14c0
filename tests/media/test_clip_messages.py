"""A clip comes out of the stream as it went in."""

from __future__ import annotations

from io import BytesIO

import numpy as np

from mmser.core.clip import Clip, Failure
from mmser.media.clip_messages import read_clip, read_line, write_clip


def test_every_part_of_a_clip() -> None:
    waveforms = {22_050: np.arange(5, dtype=np.float32), 48_000: np.arange(9, dtype=np.float32)}
    failure = Failure("u", "truncated", "0.10 s of 1.00 s", "face")
    clip = Clip(
        "u", np.ones(4, np.float32), failures=(failure,), waveforms=waveforms, notes=("one", "two")
    )
    stream = BytesIO()
    write_clip(stream, clip)
    stream.seek(0)
    back = read_clip(stream, read_line(stream))
    assert (back.id, back.frames, back.failures, back.notes) == (
        "u",
        None,
        (failure,),
        ("one", "two"),
    )
    np.testing.assert_array_equal(back.waveform, clip.waveform)
    assert list(back.waveforms) == [22_050, 48_000]
    for rate, waveform in waveforms.items():
        np.testing.assert_array_equal(back.sound(rate), waveform)
    assert not stream.read()
