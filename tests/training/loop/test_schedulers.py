import math

import numpy as np
import pytest
import torch

from mmser.core.errors import MmserError
from mmser.training.loop import schedulers


def rates(make, steps, **options):
    """The learning rate before each of ``steps`` steps of the schedule."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, epochs=10, steps_per_epoch=4, **options)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.scheduler.step()
    return seen


def test_exponential_is_light_sernets():
    seen = rates(schedulers.exponential, 300)
    for epoch, expected in {0: 1, 49: 1, 59: 1, 60: math.exp(-0.15), 80: math.exp(-0.3)}.items():
        assert seen[epoch] == pytest.approx(expected)
    assert seen[299] == pytest.approx(math.exp(-0.15 * 12))


def test_step_and_milestones():
    assert rates(schedulers.step, 5, every=2, factor=0.5) == pytest.approx([1, 1, 0.5, 0.5, 0.25])
    assert rates(schedulers.milestones, 4, at=[1, 3], factor=0.1) == pytest.approx(
        [1, 0.1, 0.1, 0.01]
    )


def test_cosine_ends_where_it_says():
    seen = rates(schedulers.cosine, 11, final=0.1)
    assert (seen[0], seen[5], seen[10]) == pytest.approx((1.0, 0.55, 0.1))


def test_inverse_time_falls_per_step():
    assert rates(schedulers.inverse_time, 3, rate=0.5) == pytest.approx([1.0, 1 / 1.5, 0.5])


def test_warmup_then_cosine_per_step():
    seen = rates(schedulers.warmup_cosine, 41, warmup=0.1, final=0.2)
    assert seen[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert (seen[22], seen[40]) == pytest.approx((0.6, 0.2))
    with pytest.raises(MmserError, match=r"a warmup share in \[0, 1\); found 1"):
        schedulers.warmup_cosine(None, 10, 4, warmup=1.0)


def test_warmup_rises_then_falls_per_step():
    seen = rates(schedulers.warmup_linear, 41, warmup=0.1)
    assert seen[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert (seen[4], seen[22], seen[40]) == pytest.approx((1.0, 0.5, 0.0))
    assert rates(schedulers.warmup_linear, 41, warmup=0.1, decay=False)[4:] == [1.0] * 37


def test_plateau_waits_for_patience():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = schedulers.plateau(optimizer, 10, 4, factor=0.5, patience=1, mode="max")
    seen = []
    for score in (0.5, 0.4, 0.3, 0.6):
        schedule.scheduler.step(score)
        seen.append(optimizer.param_groups[0]["lr"])
    assert seen == [1.0, 1.0, 0.5, 0.5]
    assert schedule.interval == "plateau"


def test_warmup_is_a_share():
    with pytest.raises(MmserError, match="warmup share"):
        rates(schedulers.warmup_linear, 1, warmup=5)


def test_cyclic_with_momentum_is_torchs_own():
    """As the released probe of emotion2vec has it: rate .5 to 1, momentum .9 to .8 and back."""
    seen = []
    for own in (True, False):
        optimizer = torch.optim.RMSprop([torch.nn.Parameter(torch.ones(1))], lr=1e-3, momentum=0.9)
        if own:
            made = schedulers.cyclic(
                optimizer, 1, 1, lowest=0.5, steps_up=10, lowest_momentum=0.8
            ).scheduler
        else:
            made = torch.optim.lr_scheduler.CyclicLR(optimizer, 5e-4, 1e-3, 10)
        seen.append([])
        for _ in range(25):
            seen[-1].append(
                (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"])
            )
            optimizer.step()
            made.step()
    assert np.allclose(seen[0], seen[1])
    assert seen[0][10] == pytest.approx((1e-3, 0.8)) and seen[0][20] == pytest.approx((5e-4, 0.9))


def test_cyclic_momentum_of_adam_is_its_first_beta():
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    made = schedulers.cyclic(optimizer, 1, 1, steps_up=1, lowest_momentum=0.8).scheduler
    optimizer.step()
    made.step()
    assert optimizer.param_groups[0]["betas"] == pytest.approx((0.8, 0.999))


def test_cyclic_momentum_needs_momentum():
    optimizer = torch.optim.RMSprop([torch.nn.Parameter(torch.ones(1))], lr=1e-3)
    with pytest.raises(MmserError, match=r"an optimizer with momentum, .* found 0 and 0\.8"):
        schedulers.cyclic(optimizer, 1, 1, lowest_momentum=0.8)


def test_cyclic_goes_up_and_down_in_triangles():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    schedule = schedulers.cyclic(optimizer, epochs=1, steps_per_epoch=1, lowest=0.2, steps_up=2)
    rates = []
    for _ in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.scheduler.step()
    assert rates == pytest.approx([0.2, 0.6, 1.0, 0.6, 0.2, 0.6])
