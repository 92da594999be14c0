import pytest
import torch

from mmser.objectives.terms.gradient_reversal import reversal_ramp, reverse_gradient


def test_forward_is_identity_and_backward_is_turned_round():
    values = torch.randn(4, 3, requires_grad=True)
    upstream = torch.randn(4, 3)
    out = reverse_gradient(values, 0.7)
    assert torch.equal(out, values)
    out.backward(upstream)
    torch.testing.assert_close(values.grad, -0.7 * upstream)


def test_strength_zero_stops_the_gradient():
    values = torch.randn(4, requires_grad=True)
    reverse_gradient(values, 0.0).sum().backward()
    assert values.grad.eq(0).all()


def test_the_ramp():
    assert reversal_ramp(0.0) == 0.0
    assert reversal_ramp(1.0) == pytest.approx(0.9999, abs=1e-4)
