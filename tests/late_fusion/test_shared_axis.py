"""One time axis per recording: what is repeated, what is dropped, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.corpora.avec_csv import Track
from mmser.late_fusion.shared_axis import align_recordings


def track(
    values: list[float],
    start: float = 0.0,
    hop: float = 0.1,
    attributes: tuple[str, ...] = ("arousal",),
) -> Track:
    column = np.array(values, np.float32)[:, None].repeat(len(attributes), axis=1)
    return Track("r", Path("r.csv"), start + hop * np.arange(len(values)), column, attributes)


def aligned(first: Track, second: Track, gold: Track | None = None, tolerance: int = 3):
    return align_recordings(
        {"a": {"r": first}, "b": {"r": second}}, {"r": gold} if gold else {}, tolerance
    )


def test_equal_lengths_change_nothing() -> None:
    found = aligned(track([1, 2, 3]), track([4, 5, 6]), track([7, 8, 9]))
    assert found.outputs["r"][:, :, 0].tolist() == [[1, 4], [2, 5], [3, 6]]
    assert found.labels["r"][:, 0].tolist() == [7, 8, 9]
    assert found.adjustments.empty


def test_a_shorter_model_repeats_its_last_value_and_says_so() -> None:
    found = aligned(track([1, 2, 3, 4]), track([5, 6]))
    assert found.outputs["r"][:, 1, 0].tolist() == [5, 6, 6, 6]
    assert found.adjustments.to_dict("records") == [
        {"recording": "r", "model": "b", "frames": 2, "axis": 4, "repeated": 2}
    ]


def test_frames_go_by_time_not_by_position() -> None:
    late = aligned(track([1, 2, 3, 4]), track([5, 6], start=0.2))
    assert late.outputs["r"][:, 1, 0].tolist() == [5, 5, 5, 6]
    hole = Track(
        "r",
        Path("r.csv"),
        np.array([0.0, 0.1, 0.3]),
        np.array([[5.0], [6], [8]], np.float32),
        ("arousal",),
    )
    assert aligned(track([1, 2, 3, 4]), hole).outputs["r"][:, 1, 0].tolist() == [5, 6, 6, 8]
    rounded = aligned(track([1, 2, 3]), track([4, 5, 6], start=0.04))
    assert rounded.outputs["r"][:, 1, 0].tolist() == [4, 5, 6] and rounded.adjustments.empty


def test_labels_are_never_repeated() -> None:
    short = aligned(track([1, 2, 3]), track([4, 5, 6]), track([9]))
    assert short.labels["r"][0, 0] == 9 and np.isnan(short.labels["r"][1:]).all()
    long = aligned(track([1, 2]), track([4, 5]), track([7, 8, 9]))
    assert long.outputs["r"][:, 0, 0].tolist() == [1, 2, 2]
    assert long.labels["r"][:, 0].tolist() == [7, 8, 9]


def test_too_many_missing_frames_are_an_error() -> None:
    with pytest.raises(
        MmserError, match=r"the 5 frames of r \(0 to 0.4 s\) but for 3 .* found 1 in .*--tolerance"
    ):
        aligned(track([1, 2, 3, 4, 5]), track([1]))
    with pytest.raises(MmserError, match="20 of the axis missing"):
        aligned(track([0.0] * 41), track([0.0] * 21, hop=0.2))


def test_columns_may_stand_in_another_order() -> None:
    first = Track(
        "r", Path("r"), np.zeros(1), np.array([[1.0, 2]], np.float32), ("arousal", "valence")
    )
    second = Track(
        "r", Path("r"), np.zeros(1), np.array([[3.0, 4]], np.float32), ("valence", "arousal")
    )
    assert aligned(first, second).outputs["r"].tolist() == [[[1, 2], [4, 3]]]


def test_recordings_that_a_model_lacks() -> None:
    models = {"a": {"r": track([1]), "s": track([2])}, "b": {"r": track([1])}}
    with pytest.raises(MmserError, match=r"b lacks 1, such as s\. .*--shared-only"):
        align_recordings(models, {})
    assert list(align_recordings(models, {}, shared_only=True).outputs) == ["r"]
    with pytest.raises(MmserError, match="share no recording"):
        align_recordings({"a": {"r": track([1])}, "b": {"s": track([1])}}, {}, shared_only=True)


def test_attributes_and_names_must_fit() -> None:
    both = ("arousal", "valence")
    with pytest.raises(MmserError, match="arousal in every model; found arousal, valence in b"):
        aligned(track([1]), track([1], attributes=both))
    with pytest.raises(MmserError, match="found none for valence"):
        aligned(track([1], attributes=both), track([1], attributes=both), track([1]))
    with pytest.raises(MmserError, match="found labels of q, predictions of r"):
        align_recordings({"a": {"r": track([1])}}, {"q": track([1])})
