"""The smoother without a loop against the loop; PCEN against its formula; bounds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mmser.models.encoders.audio.leaf_cnn.pcen import PCEN, exponential_average


def looped(values: Tensor, share: Tensor) -> Tensor:
    state, states = values[:, 0], []
    for t in range(values.shape[1]):
        state = share * values[:, t] + (1 - share) * state
        states.append(state)
    return torch.stack(states, dim=1)


@pytest.mark.parametrize("time", [1, 2, 5, 36, 130])
def test_smoother_is_the_loop(time: int) -> None:
    torch.manual_seed(0)
    values, share = (
        torch.rand(3, time, 4) * 10,
        torch.tensor([0.0, 0.04, 0.5, 1.0], requires_grad=True),
    )
    found, expected = exponential_average(values, share), looped(values, share)
    assert (found - expected).abs().max() < 1e-5
    gradients = [
        torch.autograd.grad(made.square().sum(), share, allow_unused=True)[0]
        for made in (found, expected)
    ]
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-2, rtol=1e-4)


def test_pcen_is_its_formula_and_the_future_stays_out() -> None:
    torch.manual_seed(1)
    made, energies = PCEN(3), torch.rand(2, 50, 3) * 5 + 1e-5
    smooth = looped(energies, torch.full((3,), 0.04))
    expected = (energies / (1e-12 + smooth) ** 0.96 + 2.0).sqrt() - 2.0**0.5
    assert (made(energies) - expected).abs().max() < 1e-5
    torch.testing.assert_close(made(energies[:, :20]), expected[:, :20], atol=1e-5, rtol=1e-4)


def test_parameters_outside_their_bounds_are_used_at_them() -> None:
    made, at_bounds, energies = PCEN(2), PCEN(2), torch.rand(1, 9, 2) + 0.1
    with torch.no_grad():
        for name, outside, bound in (
            ("alpha", 3, 1.0),
            ("root", -2, 1.0),
            ("share", 7, 1.0),
            ("delta", -1, 1e-6),
        ):
            getattr(made, name).fill_(outside)
            getattr(at_bounds, name).fill_(bound)
    assert torch.equal(made(energies), at_bounds(energies)) and torch.isfinite(made(energies)).all()
