"""AReLU and the GRU around it, against torch's own and by hand."""

import math

import pytest
import torch
from torch import nn

from mmser.models.layers.time.ar_gru import ARGRU, AReLU, gru_step
from mmser.models.layers.time.group_mean import group_mean


def test_values_and_clamped_slopes() -> None:
    x = torch.tensor([-2.0, 0.0, 3.0])
    assert AReLU(0.01, 1.0)(x).tolist() == pytest.approx([-0.02, 0.0, 5.1932], abs=1e-4)
    for alpha, slope in ((5.0, 0.99), (-5.0, 0.01)):
        unit = AReLU(alpha)
        out = unit(x)
        assert out[0].item() == pytest.approx(-2 * slope)
        out.sum().backward()
        assert unit.alpha.grad == 0


def test_gradients() -> None:
    unit = AReLU(0.3, 1.0).double()
    x = torch.tensor([-2.0, -0.5, 0.7, 3.0], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v, a, b: torch.func.functional_call(unit, {"alpha": a, "beta": b}, v), (
        x, unit.alpha.detach().clone().requires_grad_(), unit.beta.detach().clone().requires_grad_(),
    ))  # fmt: skip
    upstream = torch.randn(4, dtype=torch.double)
    (unit(x) * upstream).sum().backward()
    share = torch.sigmoid(unit.beta)
    expected = (upstream * share * (1 - share) * x.relu()).sum()
    assert (unit.beta.grad - expected).abs() < 1e-6


@pytest.mark.parametrize("bidirectional", [False, True])
def test_with_tanh_it_is_torchs_gru(bidirectional: bool) -> None:
    torch.manual_seed(0)
    own = ARGRU(4, 6, bidirectional, nn.Tanh)
    theirs = nn.GRU(4, 6, batch_first=True, bidirectional=bidirectional)
    for way, suffix in enumerate(["", "_reverse"][: len(own.inner)]):
        for name, part in (("ih", own.inner[way]), ("hh", own.recurrent[way])):
            getattr(theirs, f"weight_{name}_l0{suffix}").data.copy_(part.weight)
            getattr(theirs, f"bias_{name}_l0{suffix}").data.copy_(part.bias)
    values = torch.randn(2, 200, 4, requires_grad=True)
    found = own(values, torch.ones(2, 200, dtype=torch.bool))
    expected = theirs(values)[0]
    assert (found - expected).abs().max() < 1e-6
    upstream = torch.randn_like(found)
    ours, others = (
        torch.autograd.grad((out * upstream).sum(), values)[0] for out in (found, expected)
    )
    assert (ours - others).abs().max() < 1e-5


def test_one_step_by_hand() -> None:
    x, h, state = torch.randn(1, 6), torch.randn(1, 6), torch.randn(1, 2)
    sigma = torch.sigmoid
    reset, update = sigma(x[:, :2] + h[:, :2]), sigma(x[:, 2:4] + h[:, 2:4])
    candidate = torch.relu(x[:, 4:] + reset * h[:, 4:])
    expected = (1 - update) * candidate + update * state
    torch.testing.assert_close(gru_step(x, h, state, torch.relu), expected)


def test_five_hundred_steps_stay_finite() -> None:
    torch.manual_seed(0)
    out = ARGRU(8, 32)(torch.randn(2, 500, 8), torch.ones(2, 500, dtype=torch.bool))
    assert out.isfinite().all()


def test_an_exploding_cell_stands_still_in_padding() -> None:
    layer = ARGRU(3, 4)
    with torch.no_grad():
        layer.recurrent[0].weight.mul_(40)
    values = torch.randn(1, 6, 3, requires_grad=True)
    padded = torch.cat([values, torch.full((1, 400, 3), float("nan"))], dim=1)
    out = layer(padded, torch.arange(406)[None] < 6)
    torch.testing.assert_close(out[:, :6], layer(values, torch.ones(1, 6, dtype=torch.bool)))
    out.sum().backward()
    assert out[:, 6:].eq(0).all() and values.grad.isfinite().all()


def test_groups_are_filled_up_with_zeros() -> None:
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]])[..., None]
    mean, mask = group_mean(values, torch.arange(7)[None] < 6, 5)
    assert mean.flatten().tolist() == pytest.approx([3.0, 1.2]) and mask.tolist() == [[True, True]]
    assert not math.isnan(
        group_mean(values * math.nan, torch.zeros(1, 7, dtype=torch.bool), 5)[0].sum()
    )
