"""The modality networks of TFN and LMF."""

from __future__ import annotations

import pytest
import torch

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.sequence.subnet import Subnet


def test_subnets_by_hand() -> None:
    torch.manual_seed(0)
    values = torch.randn(2, 4, 3)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    stream = Stream(values.masked_fill(~mask[..., None], float("nan")), mask)
    dense = Subnet(3, hidden_size=5, output_size=2).eval()
    expected = values[1, :2].mean(dim=0)
    for layer in dense.linear:
        expected = layer(expected).relu()
    assert len(dense.linear) == 3
    torch.testing.assert_close(dense(stream).values[1, 0], expected)
    lstm = Subnet(3, kind="lstm", hidden_size=5, output_size=2).eval()
    state = lstm.recurrence.forwards[0](values[1:, :2])[1][0][0, 0]
    torch.testing.assert_close(lstm(stream).values[1, 0], lstm.linear[0](state))
    with pytest.raises(MmserError, match="kind dense or lstm; found 'cnn'"):
        Subnet(3, kind="cnn")
