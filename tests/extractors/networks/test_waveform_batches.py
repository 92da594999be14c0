"""Rows through a network in batches: order, windows, memory that is not enough."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mmser.core.clip import Clip, Failure, Features
from mmser.extractors.networks.transfers import packed
from mmser.extractors.networks.waveform_batches import WaveformBatches, features_in_batches

LENGTHS = (3, 9, 1, 5, 7, 9)


class Doubling:
    """Every sample is a step of (itself, twice itself); at most ``most`` samples fit."""

    def __init__(self, most: float = float("inf"), broken: float | None = None) -> None:
        self.most, self.broken = most, broken
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, rows: Tensor, lengths: list[int]) -> tuple[Tensor, list[int]]:
        self.shapes.append(tuple(rows.shape))
        if rows.numel() > self.most:
            raise torch.OutOfMemoryError("too much")
        values = torch.stack([rows, 2 * rows], dim=-1)
        if self.broken is not None:
            values[rows == self.broken] = torch.nan
        return packed(values, lengths), lengths


def rows() -> list[np.ndarray]:
    return [np.full(n, 10.0 * n + place, np.float32) for place, n in enumerate(LENGTHS)]


def batches(encode: Doubling, seconds: float | None, **options: object) -> WaveformBatches:
    device = torch.device("cpu")
    return WaveformBatches(encode, device, "float16", "float32", seconds, rate=1.0, **options)  # type: ignore[arg-type]


def check(answers: list[object]) -> None:
    for row, answer in zip(rows(), answers, strict=True):
        values = answer.values  # type: ignore[attr-defined]
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, np.stack([row, 2 * row], axis=-1))


@pytest.mark.parametrize(("seconds", "count"), [(None, 6), (18.0, 3), (500.0, 1)])
def test_values_come_in_the_order_of_the_rows(seconds: float | None, count: int) -> None:
    encode = Doubling()
    check(batches(encode, seconds)(rows()))
    assert len(encode.shapes) == count
    assert all(height * width <= (seconds or 9.0) for height, width in encode.shapes)


def test_a_batch_that_does_not_fit_is_halved() -> None:
    encode = Doubling(most=20)
    check(batches(encode, 500.0)(rows()))
    assert encode.shapes[0] == (6, 9)
    assert max(height * width for height, width in encode.shapes[2:]) <= 20


def test_a_row_that_does_not_fit_alone_is_told_and_the_others_go_on() -> None:
    encode = Doubling(most=8)
    clips = [Clip(f"c{n}", row) for n, row in enumerate(rows())]
    results = features_in_batches(
        [*clips, Clip("nothing")],
        batches(encode, 500.0),
        lambda waveform: [waveform],
        lambda parts, _: Features(parts[0]),
    )
    for clip, result in zip(clips, results, strict=False):
        if len(clip.waveform) == 9:
            assert isinstance(result, Failure)
            assert (result.id, result.reason) == (clip.id, "extractor error")
            assert "9.0 s by itself are too much for the memory of cpu" in result.detail
        else:
            assert result.values[0, 1] == 2 * clip.waveform[0]
    assert results[-1] == Failure("nothing", "no audio track")


def test_rows_of_different_windows_are_different_batches() -> None:
    encode = Doubling()
    check(batches(encode, 500.0, window=lambda length: 5 if length <= 5 else 10)(rows()))
    assert encode.shapes == [(3, 9), (3, 5)]


def test_a_clip_of_several_parts_and_one_that_is_not_finite() -> None:
    encode = Doubling(broken=34.0)
    clips = [Clip("whole", rows()[4]), Clip("broken", np.full(4, 34.0, np.float32))]
    whole, broken = features_in_batches(
        clips,
        batches(encode, 500.0),
        lambda waveform: [waveform[:3], waveform[3:]],
        lambda parts, samples: Features(np.concatenate(parts), frame_rate=float(samples)),
    )
    np.testing.assert_array_equal(whole.values[:, 0], rows()[4])
    assert whole.frame_rate == 7.0
    assert broken == Failure("broken", "not finite", "8 of 8 feature values")
