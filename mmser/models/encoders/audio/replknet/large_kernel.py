"""Large depthwise kernels with a small one beside them, merged into one for inference.

Source: Ding et al., CVPR 2022.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.errors import MmserError
from mmser.models.encoders.audio.replknet.fft_convolution import depthwise_fft
from mmser.models.layers.convolution.masked import MaskedConv2d
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.layers.masks.padding import filled_map

Kernel = tuple[int, int]
FFT_FROM = 13
"""Kernels of at least this many cells each way go through the Fourier transform on a CPU (5 to 20
times as fast).
"""


class ConvNorm(nn.Module):
    """Convolution without bias, then batch norm; (time, frequency) kernel and stride."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        kernel: Kernel,
        stride: Kernel = (1, 1),
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.convolution = MaskedConv2d(
            input_size, output_size, kernel, stride, groups=groups, bias=False
        )
        self.norm = MaskedBatchNorm(output_size)

    def forward(self, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """values (batch, channel, time, frequency), mask (batch, time) -> the same, strided."""
        values, mask = convolve(self.convolution, values, mask)
        return self.norm(values, mask), mask

    def fused(self) -> tuple[Tensor, Tensor]:
        """Kernel and bias of the one convolution that does the same with the running statistics."""
        scale = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.epsilon)
        weight = self.convolution.convolution.weight * scale[:, None, None, None]
        return weight, self.norm.bias - self.norm.running_mean * scale


def convolve(convolution: MaskedConv2d, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """What ``convolution`` gives, for large depthwise kernels on a CPU by the Fourier transform."""
    inner = convolution.convolution
    large = (
        inner.groups == values.shape[1]
        and min(inner.kernel_size) >= FFT_FROM
        and inner.stride == (1, 1)
    )
    if (
        not large
        or values.device.type != "cpu"
        or values.dtype not in (torch.float32, torch.float64)
    ):
        return convolution(values, mask)
    out = depthwise_fft(filled_map(values, mask), inner.weight)
    out = out if inner.bias is None else out + inner.bias[:, None, None]
    return filled_map(out, mask), mask


def pointwise(input_size: int, output_size: int) -> ConvNorm:
    """1x1."""
    return ConvNorm(input_size, output_size, (1, 1))


def depthwise(size: int, kernel: Kernel, stride: Kernel = (1, 1)) -> ConvNorm:
    """One kernel per channel."""
    return ConvNorm(size, size, kernel, stride, groups=size)


class LargeKernel(nn.Module):
    """``BN(DW_large(x)) + BN(DW_small(x))``; after `merge` one depthwise convolution with bias.

    ``small`` None leaves the small kernel out, as does a large one no larger than it.
    """

    def __init__(self, size: int, kernel: Kernel, small: int | None = 5) -> None:
        super().__init__()
        self.large: ConvNorm | None = depthwise(size, kernel)
        has_small = small is not None and small < min(kernel)
        self.small: ConvNorm | None = (
            depthwise(size, (small, small)) if has_small and small is not None else None
        )
        self.merged: MaskedConv2d | None = None

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, channel, time, frequency), mask (batch, time) -> the same shape."""
        if self.merged is not None:
            return convolve(self.merged, values, mask)[0]
        out = self.large(values, mask)[0]  # type: ignore[misc]
        return out if self.small is None else out + self.small(values, mask)[0]

    @torch.no_grad()
    def merge(self) -> None:
        """Become one convolution, which gives the same in evaluation mode.

        Refused in training mode; a second call does nothing.
        """
        if self.training:
            raise MmserError(
                "a model in evaluation mode to merge", "training mode", "Call model.eval() first."
            )
        if self.large is None:
            return
        weight, bias = self.large.fused()
        kernel: Kernel = (weight.shape[2], weight.shape[3])
        if self.small is not None:
            small, shift = self.small.fused()
            reach = [
                (outer - inner) // 2 for outer, inner in zip(kernel, small.shape[2:], strict=True)
            ]
            weight = weight + F.pad(small, (reach[1], reach[1], reach[0], reach[0]))
            bias = bias + shift
        size = weight.shape[0]
        merged = MaskedConv2d(size, size, kernel, groups=size).to(weight)
        merged.convolution.weight = nn.Parameter(weight)
        merged.convolution.bias = nn.Parameter(bias)
        self.merged = merged.eval()
        self.large = self.small = None


def merge_large_kernels(model: nn.Module) -> None:
    """Merge every `LargeKernel` inside ``model``, which must be in evaluation mode."""
    for module in model.modules():
        if isinstance(module, LargeKernel):
            module.merge()


class DropPath(nn.Module):
    """Stochastic depth: in training a row's branch is dropped with chance ``rate``.

    Otherwise it is scaled up, so that its mean stays.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """(batch, *any)."""
        if not self.training or self.rate == 0:
            return branch
        survives = (
            torch.rand(branch.shape[0], *(1,) * (branch.dim() - 1), device=branch.device)
            >= self.rate
        )
        return branch * survives / (1 - self.rate)


class LargeKernelBlock(nn.Module):
    """``x + drop(PW(ReLU(LK(ReLU(PW(BN(x)))))))``; ``ratio`` widens the middle."""

    def __init__(
        self, size: int, kernel: Kernel, small: int | None, ratio: float, drop: float
    ) -> None:
        super().__init__()
        inner = int(size * ratio)
        self.norm = MaskedBatchNorm(size)
        self.entry, self.exit = pointwise(size, inner), pointwise(inner, size)
        self.large_kernel = LargeKernel(inner, kernel, small)
        self.drop = DropPath(drop)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, channel, time, frequency), mask (batch, time) -> the same shape."""
        inner = F.relu(self.entry(self.norm(values, mask), mask)[0])
        inner = F.relu(self.large_kernel(inner, mask))
        return values + self.drop(self.exit(inner, mask)[0])


class ConvFeedForward(nn.Module):
    """``x + drop(PW(GELU(PW(BN(x)))))``, four times as wide in the middle."""

    def __init__(self, size: int, drop: float) -> None:
        super().__init__()
        self.norm = MaskedBatchNorm(size)
        self.entry, self.exit = pointwise(size, 4 * size), pointwise(4 * size, size)
        self.drop = DropPath(drop)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """values (batch, channel, time, frequency), mask (batch, time) -> the same shape."""
        inner = F.gelu(self.entry(self.norm(values, mask), mask)[0])
        return values + self.drop(self.exit(inner, mask)[0])
