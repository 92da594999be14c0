"""The three alignments against cases worked by hand, and their masks by hypothesis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmser.core.errors import MmserError
from mmser.data.sample import Sample, Track
from mmser.data.stream_alignment import StreamAlignment, align, interpolate, pool


def frames(*values: float, rate: float = 10.0) -> Track:
    """One coefficient per step."""
    return Track(np.array(values, np.float32)[:, None], rate)


def words(*spans: tuple[float, float]) -> Track:
    return Track(np.arange(1, len(spans) + 1), spans=np.array(spans, np.float32).reshape(-1, 2))


def aligned(alignment: str, rate: float = 10.0, **streams: Track | None) -> dict[str, Track | None]:
    return align(Sample("u", streams, {}), StreamAlignment(alignment, rate, "text")).streams


def test_native_touches_nothing():
    sample = Sample("u", {"audio": frames(1, 2), "text": words((0, 1))}, {})
    assert align(sample, StreamAlignment()) is sample


def test_word_pools_the_frames_of_each_span():
    # Steps of 0.1 s: the first word covers steps 0 and 1, the second steps 3, 4 and half of step 5.
    result = aligned("word", audio=frames(1, 3, 100, 5, 7, 9), text=words((0.0, 0.2), (0.3, 0.55)))[
        "audio"
    ]
    assert np.allclose(result.values[:, 0], [2.0, (0.1 * 5 + 0.1 * 7 + 0.05 * 9) / 0.25], atol=1e-5)
    assert result.mask.tolist() == [True, True]
    assert result.values.dtype == np.float32


def test_a_word_between_steps_takes_the_one_it_lies_in():
    face = frames(10, 20, 30, rate=3.0)
    result = aligned("word", face=face, text=words((0.05, 0.15), (0.4, 0.5)))["face"]
    assert result.values[:, 0].tolist() == [10.0, 20.0]


def test_a_word_after_the_last_frame_is_masked():
    result = aligned("word", audio=frames(1, 2), text=words((0.0, 0.1), (0.2, 0.4)))["audio"]
    assert result.mask.tolist() == [True, False]
    assert np.isfinite(result.values).all()


def test_masked_steps_take_part_in_nothing():
    track = Track(
        np.array([[1.0], [np.nan], [3.0]], np.float32), 10.0, mask=np.array([True, False, True])
    )
    result = pool(track, np.array([[0.0, 0.3], [0.1, 0.2]]))
    assert result.values[0, 0] == 2.0
    assert result.mask.tolist() == [True, False] and np.isfinite(result.values).all()


def test_the_words_themselves_stay():
    text = words((0.0, 0.2), (0.3, 0.5))
    assert aligned("word", audio=frames(*range(5)), text=text)["text"] is text


def test_without_words_the_utterance_is_one_step():
    streams = aligned("word", audio=frames(1, 2, 6), text=None)
    assert streams["text"] is None
    assert streams["audio"].values.tolist() == [[3.0]]


def test_words_without_times_are_spread_evenly():
    streams = aligned("word", audio=frames(1, 1, 5, 5), text=Track(np.array([7, 8])))
    assert np.allclose(streams["audio"].values[:, 0], [1.0, 5.0])


def test_an_absent_stream_stays_absent():
    for alignment in ("word", "grid"):
        assert aligned(alignment, audio=None, text=words((0.0, 0.2)))["audio"] is None


def test_grid_averages_what_is_faster():
    streams = aligned("grid", 5.0, audio=frames(1, 3, 5, 7, 9), text=None)
    assert np.allclose(streams["audio"].values[:, 0], [2.0, 6.0, 9.0])
    assert streams["audio"].mask.all()


def test_grid_interpolates_what_is_slower():
    # Steps of 0.5 s centred at 0.25 and 0.75; cells of 0.25 s centred at 0.125, 0.375, 0.625,
    # 0.875.
    result = aligned("grid", 4.0, face=frames(0, 8, rate=2.0))["face"]
    assert np.allclose(result.values[:, 0], [0.0, 2.0, 6.0, 8.0])
    assert result.mask.all()


def test_grid_repeats_words_and_masks_the_silence_between_them():
    streams = aligned("grid", 10.0, audio=frames(*range(6)), text=words((0.0, 0.2), (0.4, 0.6)))
    assert streams["text"].values.tolist() == [1, 1, 0, 0, 2, 2]
    assert streams["text"].mask.tolist() == [True, True, False, False, True, True]
    assert np.allclose(streams["audio"].values[:, 0], range(6), atol=1e-5)


def test_grid_gives_a_cell_to_the_word_that_fills_more_of_it():
    streams = aligned("grid", 10.0, audio=frames(0, 0), text=words((0.0, 0.13), (0.13, 0.2)))
    assert streams["text"].values.tolist() == [1, 2]


def test_grid_starts_where_a_centre_crop_starts():
    track = frames(*range(10)).cut(4, 3)
    assert track.times()[0].tolist() == pytest.approx([0.4, 0.5])
    assert np.allclose(
        aligned("grid", 10.0, audio=track, text=None)["audio"].values[:, 0], [4, 5, 6], atol=1e-5
    )


def test_interpolation_ignores_masked_steps():
    track = Track(np.array([[2.0], [np.nan]], np.float32), 2.0, mask=np.array([True, False]))
    result = interpolate(track, np.array([0.25, 0.75]))
    assert result.values[0, 0] == 2.0 and result.mask.tolist() == [True, False]


def test_a_waveform_cannot_be_pooled():
    with pytest.raises(MmserError, match="found a stream of 16000 steps per second"):
        aligned("word", audio=Track(np.zeros(100, np.float32), 16000.0), text=words((0.0, 0.1)))


@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 2)), min_size=1, max_size=12),
    st.integers(1, 60),
    st.sampled_from([3.0, 10.0, 50.0]),
    st.sampled_from(["word", "grid"]),
)
@settings(max_examples=80, deadline=None)
def test_masks_tell_which_steps_have_something_under_them(starts, count, rate, alignment):
    spans = [(start, start + length) for start, length in sorted(starts)]
    values = np.random.default_rng(count).normal(size=(count, 2)).astype(np.float32)
    streams = aligned(alignment, 10.0, audio=Track(values, rate), text=words(*spans))
    audio, text = streams["audio"], streams["text"]
    assert len(audio) == len(text)
    assert np.isfinite(audio.values).all()
    # A mean or an interpolation never leaves the range of what it was made from.
    low, high = values.min(axis=0) - 1e-4, values.max(axis=0) + 1e-4
    assert ((audio.values >= low) & (audio.values <= high))[audio.mask].all()
    if alignment == "word":
        expected = [start + 1e-5 < count / rate for start, _ in spans]
        clear = [abs(start - count / rate) > 1e-4 for start, _ in spans]
        assert (audio.mask == np.array(expected))[np.array(clear)].all()
