"""Gathered batches are the collated ones, whatever the streams are."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mmser.data.collate import Collate
from mmser.data.gathering import GatheredSplit


def tensors(batch: Any) -> dict[str, torch.Tensor]:
    found = {name: getattr(batch.context, name) for name in ("dialogue", "turn", "speaker")}
    found |= dict(batch.targets)
    for name, stream in {**batch.streams, **batch.traces}.items():
        found |= {f"{name}.values": stream.values, f"{name}.mask": stream.mask}
    return found


@pytest.mark.parametrize("vectors", [True, False])
def test_gathered_is_collated(corpus: Any, vectors: bool) -> None:
    fold = corpus.open()
    samples = fold.dataset("train")
    if vectors:  # the first step of each stream that is there in every utterance
        for row in range(len(samples)):
            sample = samples.sample_of(row)
            for name, track in list(sample.streams.items()):
                if track is None:
                    pytest.skip("an utterance without a stream")
                sample.streams[name] = track.cut(0, 1)
    collate = Collate(fold.shapes, fold.alignment.is_shared, fold.traces)
    gathered = GatheredSplit(samples, collate)
    for rows in ([2, 0, 1], [1], [3, 3, 0]):
        keys = [(0, row) for row in rows]
        ours, theirs = gathered.__getitems__(keys), collate([samples[key] for key in keys])
        assert ours.ids == theirs.ids
        found, expected = tensors(ours), tensors(theirs)
        assert list(found) == list(expected)
        for name, tensor in expected.items():
            assert found[name].dtype == tensor.dtype, name
            torch.testing.assert_close(found[name], tensor, rtol=0, atol=0, equal_nan=True)
    assert (gathered._streams is not None) is vectors
