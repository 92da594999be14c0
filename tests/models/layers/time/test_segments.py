"""Segments of equal length: which exist, what they hold, and their way back into their rows."""

from __future__ import annotations

import torch

from mmser.core.batch import Stream
from mmser.models.layers.masks.padding import extent
from mmser.models.layers.time.segments import (
    covering_starts,
    cut_segments,
    put_back,
    segment_grid,
    segment_mask,
    segments_at,
)


def test_covering_segments_are_cut_and_put_back() -> None:
    values = torch.arange(1.0, 15.0).reshape(2, 7, 1)
    lengths = torch.tensor([7, 3])
    starts, exists = covering_starts(lengths, 3)
    segments = segments_at(values, lengths, starts, exists, 3)
    assert segments.values.squeeze(-1).tolist() == [[1, 2, 3], [4, 5, 6], [7, 0, 0], [8, 9, 10]]
    assert segments.inside.sum(dim=1).tolist() == [3, 3, 1, 3]
    rows = put_back(segments.values.sum(dim=(1, 2)), exists)
    assert rows.values.tolist() == [[6, 15, 7], [27, 0, 0]]
    assert rows.mask.tolist() == [[True, True, True], [True, False, False]]


def test_a_shifted_last_segment_is_full() -> None:
    values, lengths = torch.arange(1.0, 8.0).reshape(1, 7, 1), torch.tensor([7])
    starts, exists = covering_starts(lengths, 3, "shifted")
    segments = segments_at(values, lengths, starts, exists, 3)
    assert segments.values[2].flatten().tolist() == [5, 6, 7] and segments.inside.all()


def test_gaps_do_not_shorten_covered_rows_and_absent_rows_have_no_segment() -> None:
    mask = torch.tensor([[True, False, True, False], [False] * 4])
    assert extent(mask).tolist() == [3, 0]
    starts, exists = covering_starts(extent(mask), 2)
    segments = segments_at(torch.ones(2, 4, 5), extent(mask), starts, exists, 2)
    assert segments.values.shape == (2, 2, 5)
    assert exists.tolist() == [[True, True], [False, False]]


def test_fitting_segments_drop_a_tail_and_a_short_row_has_one() -> None:
    lengths = torch.tensor([9, 4, 2, 0])
    exists = segment_mask(lengths, 9, size=4, hop=2)
    assert exists.sum(dim=1).tolist() == [3, 1, 1, 0]


def test_fitting_segments_close_gaps_and_repeat_a_last_step() -> None:
    values = torch.tensor([[1.0, torch.nan, 2.0, 3.0], [4.0, 5.0, torch.nan, torch.nan]])
    stream = Stream(values[..., None], ~values.isnan())
    zeros, inside, exists = cut_segments(stream, 3, 1)
    assert zeros.squeeze(-1).tolist() == [[1, 2, 3], [4, 5, 0]]
    assert inside.tolist() == [[True] * 3, [True, True, False]]
    assert exists.tolist() == [[True, False], [True, False]]
    repeated = cut_segments(stream, 3, 1, repeat_last=True)
    assert repeated.values.squeeze(-1).tolist() == [[1, 2, 3], [4, 5, 5]] and repeated.inside.all()


def test_the_grid_holds_the_same_segments() -> None:
    generator = torch.Generator().manual_seed(0)
    mask = torch.rand(5, 23, generator=generator) > 0.3
    mask[3] = False
    stream = Stream(torch.randn(5, 23, 2, generator=generator), mask)
    for size, hop in ((4, 2), (3, 5), (30, 7)):
        segments = cut_segments(stream, size, hop)
        grid, exists = segment_grid(stream.values, mask, size, hop)
        assert torch.equal(exists, segments.exists)
        assert torch.equal(grid[exists], segments.values)


def test_a_short_row_of_the_grid_is_filled_up() -> None:
    grid, exists = segment_grid(torch.ones(1, 2, 1), torch.ones(1, 2).bool(), 3, 3, fill=-7.0)
    assert grid.flatten().tolist() == [1, 1, -7] and exists.tolist() == [[True]]
