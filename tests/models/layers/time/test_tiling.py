"""Segments that cover an utterance: cut, with zeros beyond its end, and put back in their rows."""

from __future__ import annotations

import torch

from mmser.models.layers.time.tiling import back_to_rows, cut_tiles, extent, tile_starts


def test_cut_and_put_back() -> None:
    values = torch.arange(1.0, 15.0).reshape(2, 7, 1)
    lengths = torch.tensor([7, 3])
    starts, real = tile_starts(lengths, 3)
    found, inside = cut_tiles(values, lengths, starts, real, 3)
    assert found.squeeze(-1).tolist() == [[1, 2, 3], [4, 5, 6], [7, 0, 0], [8, 9, 10]]
    assert inside.sum(dim=1).tolist() == [3, 3, 1, 3]
    rows = back_to_rows(found.sum(dim=(1, 2)), real)
    assert rows.tolist() == [[6, 15, 7], [27, 0, 0]]


def test_a_shifted_last_segment_is_full() -> None:
    values, lengths = torch.arange(1.0, 8.0).reshape(1, 7, 1), torch.tensor([7])
    starts, real = tile_starts(lengths, 3, "shifted")
    found, inside = cut_tiles(values, lengths, starts, real, 3)
    assert found[2].flatten().tolist() == [5, 6, 7] and inside.all()


def test_gaps_do_not_shorten_and_absence_has_no_segment() -> None:
    mask = torch.tensor([[True, False, True, False], [False] * 4])
    assert extent(mask).tolist() == [3, 0]
    starts, real = tile_starts(extent(mask), 2)
    found, _ = cut_tiles(torch.ones(2, 4, 5), extent(mask), starts, real, 2)
    assert found.shape == (2, 2, 5) and real.tolist() == [[True, True], [False, False]]
