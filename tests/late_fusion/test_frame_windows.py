"""Context windows: which frame stands where."""

from __future__ import annotations

import numpy as np
import pytest

from mmser.late_fusion.frame_windows import Form, filtered, offsets, windows

CHANNELS = np.arange(12, dtype=np.float32).reshape(6, 2)


def test_distinct_offsets_with_repeated_edges() -> None:
    assert offsets(2).tolist() == [-2, -1, 0, 1, 2]
    rows = windows(CHANNELS, offsets(1))
    assert rows.shape == (6, 6)
    assert rows[0].tolist() == [0, 1, 0, 1, 2, 3]
    assert rows[5].tolist() == [8, 9, 10, 11, 10, 11]


def test_released_form_repeats_the_frame_three_times() -> None:
    """Acceptance check 5: 36 (1 + 2c) columns for 36 channels, three equal copies of the frame
    itself.
    """
    channels = np.random.default_rng(0).standard_normal((100, 36)).astype(np.float32)
    rows = windows(channels, offsets(15, "released")).reshape(100, 31, 36)
    assert rows.reshape(100, -1).shape[1] == 36 * (1 + 2 * 15)
    copies = [place for place in range(31) if np.array_equal(rows[:, place], channels)]
    assert copies == [0, 1, 16]
    np.testing.assert_array_equal(rows[50, 15], channels[36])
    np.testing.assert_array_equal(rows[50, 30], channels[64])


@pytest.mark.parametrize("form", ["distinct", "released"])
@pytest.mark.parametrize("context", [0, 1, 4, 30])
def test_filtering_is_the_window_matrix_times_the_weights(form: Form, context: int) -> None:
    generator = np.random.default_rng(1)
    channels = generator.standard_normal((20, 3)).astype(np.float32)
    shifts = offsets(context, form)
    weights = generator.standard_normal((len(shifts) * 3 + 1, 2)).astype(np.float32)
    expected = windows(channels, shifts) @ weights[:-1] + weights[-1]
    np.testing.assert_allclose(filtered(channels, shifts, weights), expected, atol=1e-4)


def test_chosen_rows() -> None:
    np.testing.assert_array_equal(
        windows(CHANNELS, offsets(2), np.array([1, 4])), windows(CHANNELS, offsets(2))[[1, 4]]
    )
