"""The convolution of positions in blocks against torch's own."""

from __future__ import annotations

import pytest
import torch

from mmser.extractors.networks.position_blocks import PositionBlocks


@pytest.mark.parametrize("kernel", [16, 5])
@pytest.mark.parametrize("frames", [1, 8, 37])
def test_blocks_give_the_convolution(kernel: int, frames: int) -> None:
    torch.manual_seed(0)
    convolution = torch.nn.Conv1d(12, 12, kernel, padding=kernel // 2, groups=3)
    values = torch.randn(frames, 12)
    with torch.no_grad():
        # An even kernel gives a frame too many, which the networks cut.
        expected = convolution(values.T[None])[0].T[:frames]
        found = PositionBlocks(convolution)(values)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
