"""Fixed-length batches take torch's own kernels; one padded step more must not change a number."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.models.layers.convolution.average_pooling import average_pool_2d
from mmser.models.layers.convolution.conv_block import ConvBlock
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm

WHOLE = torch.ones(3, 6, dtype=torch.bool)
VALUES = torch.randn(3, 2, 6, 5, generator=torch.Generator().manual_seed(0))


def longer(values: Tensor, fill: float = 0.0) -> tuple[Tensor, Tensor]:
    """The same rows with one padded step."""
    return F.pad(values, (0, 0, 0, 1), value=fill), F.pad(WHOLE, (0, 1))


@pytest.mark.parametrize("training", [True, False])
def test_norm(training: bool) -> None:
    norms = [MaskedBatchNorm(2, epsilon=1e-3, momentum=0.3).train(training) for _ in range(2)]
    whole = norms[0](VALUES, WHOLE)
    padded = norms[1](*longer(VALUES, float("nan")))
    torch.testing.assert_close(padded[:, :, :6], whole)
    for name, buffer in norms[0].named_buffers():
        torch.testing.assert_close(norms[1].get_buffer(name), buffer)
        assert (
            torch.equal(buffer, torch.full_like(buffer, 0.0 if "mean" in name else 1.0)) != training
        )


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("size", [(2, 2), (3, 2), (2, 1)])
def test_pooling(size: tuple[int, int], whole: bool) -> None:
    expected, mask = average_pool_2d(VALUES, WHOLE, size, whole)
    found, kept = average_pool_2d(*longer(VALUES, float("nan")), size, whole)
    assert mask.all() and kept.sum(dim=1).eq(expected.shape[2]).all()
    torch.testing.assert_close(found[:, :, : expected.shape[2]], expected)


@pytest.mark.parametrize("kernel", [(3, 3), (2, 4), (5, 1)])
def test_block(kernel: tuple[int, int]) -> None:
    block = ConvBlock(2, 4, kernel, bias=True).eval()
    expected = block(VALUES, WHOLE)
    assert expected.shape == (3, 4, 6, 5)
    reach = [(size - 1) // 2 for size in kernel]
    sides = (reach[1], kernel[1] - 1 - reach[1], reach[0], kernel[0] - 1 - reach[0])
    same = F.conv2d(F.pad(VALUES, sides), block.convolution.weight, block.convolution.bias)
    torch.testing.assert_close(expected, F.batch_norm(same, torch.zeros(4), torch.ones(4)).relu())
    found = block(*longer(VALUES))
    torch.testing.assert_close(found[:, :, :6], expected)
    assert found[:, :, 6].eq(0).all()
