"""Early fusion: what the recurrence sees at each step."""

from __future__ import annotations

import pytest
import torch

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.models.fusion.early_concat import EarlyConcat
from mmser.models.layers.time.pooling import masked_statistics

NAN = float("nan")


def test_aligned_steps_are_joined_with_flags() -> None:
    torch.manual_seed(0)
    audio = Stream(torch.tensor([[[1.0], [2.0], [NAN]]]), torch.tensor([[True, True, False]]))
    text = Stream(
        torch.tensor([[[NAN, NAN], [3.0, 4.0], [NAN, NAN]]]), torch.tensor([[False, True, False]])
    )
    made = EarlyConcat({"audio": 1, "text": 2}, hidden_size=3)
    out = made({"audio": audio, "text": text}, empty_context(1))
    joint = torch.tensor([[[1.0, 0.0, 0.0, 1.0, 0.0], [2.0, 3.0, 4.0, 1.0, 1.0]]])
    states = made.recurrence(joint, torch.ones(1, 2, dtype=torch.bool)).outputs
    assert made.output_size == 12 and out.sequence is not None
    torch.testing.assert_close(out.sequence.values[:, :2], states)
    assert out.sequence.mask.tolist() == [[True, True, False]]
    torch.testing.assert_close(
        out.vector, masked_statistics(states, torch.ones(1, 2, dtype=torch.bool))
    )


def test_a_step_that_only_one_stream_has_still_counts() -> None:
    made = EarlyConcat({"audio": 1, "text": 1}, hidden_size=2)
    audio = Stream(torch.ones(1, 2, 1), torch.tensor([[True, False]]))
    text = Stream(torch.ones(1, 2, 1), torch.tensor([[False, True]]))
    out = made({"audio": audio, "text": text}, empty_context(1))
    assert out.sequence is not None and out.sequence.mask.all()


def test_streams_of_different_lengths_are_refused() -> None:
    made = EarlyConcat({"audio": 1, "text": 1})
    given = {
        "audio": Stream(torch.ones(1, 5, 1), torch.ones(1, 5, dtype=torch.bool)),
        "text": Stream(torch.ones(1, 2, 1), torch.ones(1, 2, dtype=torch.bool)),
    }
    with pytest.raises(
        MmserError, match=r"same steps; found 5 of audio, 2 of text. Set data.alignment=grid"
    ):
        made(given, empty_context(1))
