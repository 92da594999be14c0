"""MDRE by hand."""

from __future__ import annotations

import torch
from makers.fusion_streams import padded_streams

from mmser.core.batch import Stream, empty_context
from mmser.models.fusion.mdre import MDRE


def test_mdre_halves_each_last_state() -> None:
    sizes = {"audio": 6, "text": 4, "face": 3}
    made, given = MDRE(sizes), padded_streams(sizes)
    vector = made(given, empty_context(2)).vector
    assert made.output_size == 3 + 2 + 1 and vector.shape == (2, 6)
    last = given["audio"].values[1, 3]
    torch.testing.assert_close(vector[1, :3], made.projections["audio"](last))
    assert all(
        p.weight.abs().max() <= 0.25 and p.bias.eq(0).all() for p in made.projections.values()
    )


def test_mdre_absent_stream_contributes_nothing() -> None:
    sizes = {"audio": 6, "text": 4}
    given = padded_streams(sizes)
    gone = Stream(given["text"].values, torch.zeros_like(given["text"].mask))
    vector = MDRE(sizes)({**given, "text": gone}, empty_context(2)).vector
    assert vector[:, 3:].eq(0).all() and vector[:, :3].ne(0).all()
