"""The acceptance checks of RepLKNet."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.replknet.encoder import RepLKNet
from mmser.models.encoders.audio.replknet.fft_convolution import depthwise_fft
from mmser.models.encoders.audio.replknet.large_kernel import (
    ConvFeedForward,
    ConvNorm,
    DropPath,
    LargeKernel,
    LargeKernelBlock,
    convolve,
    depthwise,
    merge_large_kernels,
)
from mmser.models.fusion.concat import Concat
from mmser.models.heads.classifier import Classifier
from mmser.models.layers.convolution.normalisation import MaskedBatchNorm
from mmser.models.multimodal import MultimodalModel, build_model

SMALL = {"channels": (4, 6), "blocks": (1, 1), "kernels": (15, 7), "drop_path": 0.0}
SIZES = {
    "31B": ((128, 256, 512, 1024), (2, 2, 18, 2), (31, 29, 27, 13)),
    "31L": ((192, 384, 768, 1536), (2, 2, 18, 2), (31, 29, 27, 13)),
    "XL": ((256, 512, 1024, 2048), (2, 2, 18, 2), (27, 27, 27, 13)),
    "ser_tiny": ((32, 64, 128, 256), (1, 1, 3, 1), (31, 29, 27, 13)),
    "ser_small": ((48, 96, 192, 384), (2, 2, 6, 2), (31, 29, 27, 13)),
    "13": ((128, 256, 512, 1024), (2, 2, 18, 2), (13, 13, 13, 13)),
    "3": ((128, 256, 512, 1024), (2, 2, 18, 2), (3, 3, 3, 3)),
}


def system(classes: int, **encoder: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: RepLKNet(input_size, **encoder)},
        Concat,
        Classifier,
        {"audio": 128},
        Task(classes=tuple(map(str, range(classes)))),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


def everywhere(values: Tensor) -> Tensor:
    """The mask of a map (batch, channel, time, frequency) without padding."""
    return torch.ones(values.shape[0], values.shape[2], dtype=torch.bool)


def shaken(module: nn.Module) -> nn.Module:
    """Every batch norm with statistics and affine terms of its own."""
    for norm in module.modules():
        if isinstance(norm, MaskedBatchNorm):
            for tensor in (norm.running_mean, norm.bias.data):
                nn.init.normal_(tensor, std=0.3)
            for tensor in (norm.running_var, norm.weight.data):
                nn.init.uniform_(tensor, 0.5, 1.5)
    return module.eval()


@pytest.mark.parametrize(
    ("name", "classes", "options", "training", "merged"),
    [
        ("ser_tiny", 7, {}, 1_693_735, 1_673_127),
        ("ser_small", 7, {}, 6_831_415, 6_769_591),
        ("31B", 1000, {"image_channels": 3}, 79_864_168, 79_527_272),
        ("31L", 1000, {"image_channels": 3}, 172_671_016, 172_165_672),
        (
            "XL",
            1000,
            {"image_channels": 3, "ratio": 1.5, "small_kernel": None},
            335_435_752,
            335_399_656,
        ),
        ("13", 1000, {"image_channels": 3}, 74_156_392, 73_819_496),
        ("3", 1000, {"image_channels": 3, "small_kernel": None}, 71_906_408, 71_894_376),
    ],
)
def test_parameter_counts_are_exact(
    name: str, classes: int, options: dict[str, object], training: int, merged: int
) -> None:
    channels, blocks, kernels = SIZES[name]
    with torch.device("meta"):
        model = system(classes, channels=channels, blocks=blocks, kernels=kernels, **options).eval()
        assert sum(parameter.numel() for parameter in model.parameters()) == training
        merge_large_kernels(model)
    assert sum(parameter.numel() for parameter in model.parameters()) == merged


@pytest.mark.parametrize(
    ("bands", "frames", "shape"),
    [(128, 300, (256, 10, 4)), (128, 100, (256, 4, 4)), (64, 64, (256, 2, 2))],
)
def test_shapes(bands: int, frames: int, shape: tuple[int, ...]) -> None:
    encoder = RepLKNet(bands, kernels=(5, 5, 5, 5), blocks=(1, 1, 1, 1)).eval()
    maps, _ = encoder.maps(
        torch.zeros(1, 1, frames, bands), torch.ones(1, frames, dtype=torch.bool)
    )
    assert maps.shape == (1, *shape)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_merging_is_exact(dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    model = shaken(RepLKNet(24, **SMALL)).to(dtype)
    stream = Stream(
        torch.randn(2, 40, 24, dtype=dtype), torch.arange(40) < torch.tensor([40, 29])[:, None]
    )
    before = model(stream).values
    merge_large_kernels(model)
    assert (model(stream).values - before).abs().max() < tolerance
    state = copy.deepcopy(model.state_dict())
    merge_large_kernels(model)
    assert state.keys() == model.state_dict().keys()
    assert not [key for key in state if ".small." in key or ".large." in key]
    assert [key for key in state if key.endswith("merged.convolution.bias")]


def test_merging_in_training_is_refused() -> None:
    with pytest.raises(
        MmserError, match=r"evaluation mode to merge; found training mode\. Call model\.eval"
    ):
        LargeKernel(4, (9, 9)).train().merge()


def test_the_small_kernel_moves_the_centre_alone() -> None:
    layer = shaken(LargeKernel(3, (9, 9)))
    large, _ = layer.large.fused()
    layer.merge()
    difference = layer.merged.convolution.weight - large
    assert difference[:, :, 2:7, 2:7].abs().min() > 0
    outside = difference.clone()
    outside[:, :, 2:7, 2:7] = 0
    assert outside.abs().max() < 1e-6


def test_every_batch_norm_can_be_fused() -> None:
    torch.manual_seed(0)
    model = shaken(RepLKNet(24, **SMALL))
    stream = full(torch.randn(1, 40, 24))
    before = model(stream).values
    for unit in model.modules():
        if isinstance(unit, ConvNorm):
            weight, bias = unit.fused()
            unit.convolution.convolution.weight = nn.Parameter(weight)
            unit.convolution.convolution.bias = nn.Parameter(bias)
            unit.norm = Passing()
    assert (model(stream).values - before).abs().max() < 1e-4


class Passing(nn.Module):
    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        return values


@pytest.mark.parametrize(
    "block", [LargeKernelBlock(4, (9, 9), 5, 1.0, 0.0), ConvFeedForward(4, 0.0)]
)
def test_a_block_that_adds_nothing_is_the_identity(block: nn.Module) -> None:
    nn.init.zeros_(block.exit.norm.weight)
    values = torch.randn(2, 4, 12, 10)
    assert torch.equal(block(values, everywhere(values)), values)


@pytest.mark.parametrize("kernel", [(7, 7), (3, 9)])
def test_an_impulse_reaches_exactly_one_kernel(kernel: tuple[int, int]) -> None:
    layer = LargeKernel(2, kernel, small=3 if min(kernel) > 3 else None).eval()
    impulse = torch.zeros(1, 2, 21, 21)
    impulse[0, 0, 10, 10] = 1.0
    with torch.no_grad():
        found = layer(impulse, everywhere(impulse))
    assert found[0, 1].eq(0).all(), "a channel only feeds itself"
    reached = found[0, 0].ne(0)
    assert reached.sum() == kernel[0] * kernel[1]
    time, frequency = reached.nonzero(as_tuple=True)
    assert (
        time.max() - time.min() + 1 == kernel[0]
        and frequency.max() - frequency.min() + 1 == kernel[1]
    )


@pytest.mark.parametrize("kernel", [(13, 31), (15, 13)])
def test_the_fourier_way_is_the_plain_one(kernel: tuple[int, int]) -> None:
    unit = depthwise(3, kernel)
    plain, padding = unit.convolution.convolution.weight, (kernel[0] // 2, kernel[1] // 2)
    values = torch.randn(2, 3, 20, 9)
    mask = torch.arange(20) < torch.tensor([20, 12])[:, None]
    padded = ~mask[:, None, :, None]
    expected = F.conv2d(
        values.masked_fill(padded, 0.0), plain, padding=padding, groups=3
    ).masked_fill(padded, 0.0)
    found, kept = convolve(unit.convolution, values.masked_fill(padded, float("nan")), mask)
    assert (found - expected).abs().max() < 1e-5 and kept is mask
    exact = F.conv2d(values.double(), plain.double(), padding=padding, groups=3)
    torch.testing.assert_close(depthwise_fft(values.double(), plain.double()), exact)


def test_two_blocks_of_31_see_61_cells() -> None:
    blocks = [LargeKernelBlock(2, (31, 31), 5, 1.0, 0.0).eval().double() for _ in range(2)]
    values = torch.randn(1, 2, 65, 65, dtype=torch.double, requires_grad=True)
    out = values
    for block in blocks:
        out = block(out, everywhere(values))
    out[0, :, 32, 32].sum().backward()
    size = values.grad[0].abs()
    along = (size > 1e-12 * size.max()).any(dim=0).any(dim=1).nonzero().flatten()
    assert along.max() - along.min() + 1 >= 61


def test_drop_path() -> None:
    torch.manual_seed(0)
    drop = DropPath(0.25)
    dropped = drop(torch.ones(20_000, 1, 1, 1))
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.02)
    assert dropped.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert torch.equal(drop.eval()(torch.ones(3, 1)), torch.ones(3, 1))
    rates = [part.drop.rate for stage in RepLKNet(8, drop_path=0.5).stages for part in stage]
    assert rates[::2] == rates[1::2] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_stages_must_agree() -> None:
    with pytest.raises(MmserError, match="of as many stages; found 2, 1 and 2"):
        RepLKNet(8, channels=(4, 6), blocks=(1,), kernels=(3, 3))
    assert (
        RepLKNet(8, channels=(4,), blocks=(1,), kernels=([3, 9],)).stages[0][0].large_kernel.large
        is not None
    )


def test_overfits() -> None:
    model = system(4, **SMALL).train()
    stream, target = full(torch.randn(8, 16, 128)), torch.arange(8) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(100):
        logits = model({"audio": stream}, empty_context(8)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 100 steps")
