"""Speech is found where it is, in pieces that fit, from blocks of any size; windows cover
everything.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmser.core.clip import SAMPLE_RATE
from mmser.inference.segments import CHUNK, Segment, load_detector, speech_segments, windows


def loud(chunk):
    return float(np.abs(chunk).mean() > 0.05)


def signal(*spans, seconds=10.0):
    """Noise in the spans (start, end), silence elsewhere."""
    samples = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    generator = np.random.default_rng(0)
    for start, end in spans:
        part = slice(int(start * SAMPLE_RATE), int(end * SAMPLE_RATE))
        samples[part] = generator.uniform(-1, 1, part.stop - part.start)
    return samples


def blocks(samples, size=1024):
    return ((at, samples[at : at + size]) for at in range(0, len(samples), size))


def found(samples, **options):
    return [(s.start, s.end) for s in speech_segments(blocks(samples), loud, **options)]


def test_each_stretch_is_found_with_its_margin():
    segments = found(signal((1.0, 2.0), (4.0, 4.5), (9.0, 10.0)))
    assert segments == [pytest.approx(e, abs=0.05) for e in ((0.9, 2.1), (3.9, 4.6), (8.9, 10.1))]


def test_a_short_pause_is_bridged_and_a_click_is_dropped():
    assert len(found(signal((1.0, 2.0), (2.3, 3.0), (6.0, 6.1)))) == 1


def test_long_speech_is_cut_and_pieces_do_not_overlap():
    segments = found(signal((0.0, 10.0)), longest=3.0)
    assert len(segments) == 4
    assert max(end - start for start, end in segments) < 3.3
    assert all(first[1] <= second[0] + 1e-6 for first, second in itertools.pairwise(segments))


@settings(max_examples=15, deadline=None)
@given(st.integers(100, 5000))
def test_the_size_of_blocks_does_not_matter(size):
    samples = signal((1.0, 2.0), (4.0, 4.5), seconds=6.0)
    assert speech_segments(blocks(samples, size), loud) == speech_segments(blocks(samples), loud)


def test_a_gap_in_the_track_is_silence_and_times_go_on_behind_it():
    samples = signal((0.0, 1.0), seconds=1.0)
    late = [(at + 8 * SAMPLE_RATE, part) for at, part in blocks(samples)]
    segments = speech_segments([*blocks(samples), *late], loud)
    assert [round(s.start, 1) for s in segments] == [0.0, 7.9]


def test_silence_and_nothing():
    assert found(signal()) == [] and speech_segments([], loud) == []


def test_only_whole_chunks_are_judged():
    sizes = []
    speech_segments(
        blocks(signal(seconds=1.01), 700), lambda chunk: sizes.append(len(chunk)) or 0.0
    )
    assert set(sizes) == {CHUNK} and len(sizes) == int(np.ceil(1.01 * SAMPLE_RATE / CHUNK))


@given(st.floats(0.1, 100), st.floats(1, 10))
def test_windows_cover_the_recording(seconds, length):
    parts = windows(seconds, length)
    assert parts[0].start == 0.0 and parts[-1].end == pytest.approx(seconds)
    assert all(first.end == second.start for first, second in itertools.pairwise(parts))
    assert len(parts) == 1 or min(p.end - p.start for p in parts) >= length / 2 - 1e-6
    assert windows(10.0, 5.0) == [Segment(0.0, 5.0), Segment(5.0, 10.0)]


def test_silero_hears_no_speech_in_noise_and_silence():
    detector = load_detector()
    noise = 0.05 * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE).astype("f4")
    assert (
        speech_segments(blocks(np.concatenate([noise, np.zeros(SAMPLE_RATE, "f4")])), detector)
        == []
    )
