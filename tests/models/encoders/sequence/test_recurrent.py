"""Recurrent encoders: dropout of their input, and their last state."""

import torch

from mmser.core.batch import Stream
from mmser.models.encoders.sequence.recurrent import RecurrentEncoder

STREAM = Stream(
    torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[float("nan")] * 2] * 2]),
    torch.tensor([[True, True], [False, False]]),
)


def test_input_dropout_acts_in_training_only() -> None:
    encoder = RecurrentEncoder(2, 3, input_dropout=0.5)
    assert not torch.equal(encoder(STREAM).values, encoder(STREAM).values)
    encoder.eval()
    assert torch.equal(encoder(STREAM).values, encoder(STREAM).values)


def test_last_state_of_one_direction_is_its_last_output() -> None:
    encoder = RecurrentEncoder(2, 3, cell="lstm", bidirectional=False, orthogonal_start=True)
    recurred = encoder.recurrence(STREAM.values, STREAM.mask)
    torch.testing.assert_close(recurred.final[0], recurred.outputs[0, 1])
