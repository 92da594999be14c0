"""Padding: to the longest of the batch, masks right, types kept."""

from __future__ import annotations

import numpy as np
import torch

from mmser.data.collate import Collate, Shape, pad
from mmser.data.sample import Sample, Track

SHAPES = {"audio": Shape((3,)), "text": Shape((), whole=True), "wave": Shape(())}


def test_padding_and_masks():
    short, long = np.ones((2, 3), np.float16), np.full((5, 3), 2.0, np.float32)
    stream = pad([Track(short), None, Track(long)], Shape((3,)))
    assert stream.values.shape == (3, 5, 3) and stream.values.dtype == torch.float32
    assert stream.lengths.tolist() == [2, 0, 5]
    assert stream.present.tolist() == [True, False, True]
    assert stream.values.sum() == 2 * 3 + 5 * 3 * 2
    assert stream.mask[0].tolist() == [True, True, False, False, False]


def test_gaps_inside_a_row_are_kept():
    track = Track(np.ones((3, 3), np.float32), mask=np.array([True, False, True]))
    assert pad([track], Shape((3,))).mask.tolist() == [[True, False, True]]


def test_whole_numbers_stay_long():
    big = 2**40 + 1
    stream = pad([Track(np.array([big])), None], Shape((), whole=True))
    assert stream.values.dtype == torch.long and stream.values.tolist() == [[big], [0]]


def test_a_batch_without_a_modality_still_has_its_stream():
    samples = [
        Sample(name, {"audio": Track(np.ones((4, 3), np.float32))}, {}, turn=i)
        for i, name in enumerate("ab")
    ]
    batch = Collate(SHAPES)(samples)
    assert batch.ids == ("a", "b") and batch.context.turn.tolist() == [0, 1]
    assert batch.streams["wave"].values.shape == (2, 1) and not batch.streams["wave"].mask.any()
    assert batch.streams["text"].mask.shape == (2, 1)


def test_aligned_streams_share_one_time_axis():
    sample = Sample(
        "a", {"audio": Track(np.ones((4, 3), np.float32)), "text": Track(np.arange(2))}, {}
    )
    assert {s.mask.shape for s in Collate(SHAPES, aligned=True)([sample]).streams.values()} == {
        (1, 4)
    }
    assert Collate(SHAPES)([sample]).streams["text"].mask.shape == (1, 2)


def test_labels_over_time_are_no_stream_of_the_model():
    tracks = {"audio": Track(np.ones((4, 3), np.float32)), "labels": Track(np.ones((2, 1)))}
    shapes = {"audio": Shape((3,)), "labels": Shape((1,))}
    collate = Collate(shapes, aligned=True, traces=frozenset({"labels"}))
    batch = collate([Sample("a", tracks, {})])
    assert set(batch.streams) == {"audio"} and set(batch.traces) == {"labels"}
    assert batch.traces["labels"].mask.tolist() == [[True, True, False, False]]


def test_targets_are_stacked():
    samples = [
        Sample(str(i), {}, {"emotion": np.int64(i), "values": np.array([i, np.nan], "f4")})
        for i in range(3)
    ]
    targets = Collate({})(samples).targets
    assert targets["emotion"].tolist() == [0, 1, 2] and targets["emotion"].dtype == torch.long
    assert targets["values"].shape == (3, 2) and targets["values"].dtype == torch.float32


def test_rows_of_one_length_are_stacked_to_the_same_batch():
    shape = Shape((3,))
    tracks = [Track(np.random.default_rng(row).normal(size=(2, 3))) for row in range(4)]
    stacked, padded = pad(tracks, shape), pad([*tracks, None], shape)
    assert stacked.values.dtype == padded.values.dtype == torch.float32
    assert torch.equal(stacked.values, padded.values[:4])
    assert torch.equal(stacked.mask, padded.mask[:4])
