"""Statistics over a set of vectors."""

from __future__ import annotations

import torch

from mmser.models.fusion.self_cross_attention import set_statistics


def test_statistics_come_deviation_first() -> None:
    vectors = torch.tensor([1.0, 1.0, 4.0])[None, :, None].expand(2, 3, 4)
    present = torch.tensor([[True, True, True], [False, True, True]])
    found = set_statistics(vectors, present)
    torch.testing.assert_close(found[0], torch.tensor([3.0**0.5] * 4 + [2.0] * 4))
    torch.testing.assert_close(found[1], torch.tensor([4.5**0.5] * 4 + [2.5] * 4))
    one_and_none = set_statistics(vectors, torch.tensor([[False, False, True], [False] * 3]))
    torch.testing.assert_close(one_and_none[0], torch.tensor([1e-4] * 4 + [4.0] * 4))
    assert one_and_none[1].eq(0).all()


def test_statistics_do_not_know_an_order_and_keep_gradients_finite() -> None:
    vectors = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    present = torch.ones(2, 6, dtype=torch.bool)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(
        set_statistics(vectors[:, order], present), set_statistics(vectors, present)
    )
    equal = torch.ones(1, 3, 4, requires_grad=True)
    set_statistics(equal, torch.ones(1, 3, dtype=torch.bool)).sum().backward()
    assert torch.isfinite(equal.grad).all()
