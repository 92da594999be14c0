"""A convolution that is wrong in bfloat16 on purpose, as some processors' kernels are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mmser.extractors.networks.devices import place_of, placed
from mmser.extractors.networks.grouped_convolutions import keep_right


class WrongInBfloat16(nn.Conv1d):
    def forward(self, values: Tensor) -> Tensor:
        result = super().forward(values)
        return result.flip(1) if values.dtype == torch.bfloat16 else result


class NanInBfloat16(nn.Conv1d):
    def forward(self, values: Tensor) -> Tensor:
        result = super().forward(values)
        return result * float("nan") if values.dtype == torch.bfloat16 else result


def network(grouped: type[nn.Conv1d]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(3, 8, 3), grouped(8, 8, 16, groups=2), nn.Conv1d(8, 2, 1))


@pytest.mark.parametrize("grouped", [WrongInBfloat16, NanInBfloat16])
def test_a_wrong_grouped_convolution_stays_in_float32(grouped: type[nn.Conv1d]) -> None:
    values = torch.randn(2, 3, 90)
    exact = network(nn.Conv1d)(values).detach()
    model = placed(network(grouped), "cpu", "bfloat16")
    assert [str(layer.weight.dtype) for layer in model] == [
        "torch.bfloat16",
        "torch.float32",
        "torch.bfloat16",
    ]
    found = model(values.bfloat16())
    assert found.dtype == torch.bfloat16 and place_of(model)[1] == torch.bfloat16
    assert (found.float() - exact).norm() < 0.03 * exact.norm()


def test_a_weight_with_its_norm_apart_is_set_back_too() -> None:
    """The positions of wav2vec 2.0."""
    model = network(WrongInBfloat16)
    model[1] = nn.utils.parametrizations.weight_norm(model[1], dim=2)
    values = torch.randn(1, 3, 50)
    exact = network(nn.Conv1d)(values).detach()
    assert (
        placed(model, "cpu", "bfloat16")(values.bfloat16()).float() - exact
    ).norm() < 0.03 * exact.norm()


def test_right_ones_and_those_of_one_group_are_left_alone() -> None:
    model = network(nn.Conv1d).bfloat16()
    model[0] = WrongInBfloat16(3, 8, 3).bfloat16()
    assert keep_right(model[:1]) == []
    wide = nn.Conv1d(32, 32, 31, groups=2).bfloat16()
    assert keep_right(wide) == [] and wide.weight.dtype == torch.bfloat16
