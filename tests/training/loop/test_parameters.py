from functools import partial

import pytest
import torch
from torch import nn

from mmser.core.errors import MmserError
from mmser.training.loop import schedulers
from mmser.training.loop.clipping import clip_gradients
from mmser.training.loop.parameters import (
    freeze,
    frozen_modules,
    parameter_groups,
    rates_inside,
)


@pytest.fixture
def model():
    return nn.ModuleDict(
        {"encoder": nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), "head": nn.Linear(2, 1)}
    )


def named(model):
    return [(f"model.{name}", parameter) for name, parameter in model.named_parameters()]


def test_groups_take_the_first_match_and_leave_the_rest(model):
    groups = [
        {"match": "encoder.*.bias", "weight_decay": 0.5},
        {"match": "encoder.*", "lr_scale": 0.1},
    ]
    built = parameter_groups(named(model), groups, partial(torch.optim.Adam, lr=0.2))
    encoder, norm, head = model["encoder"][0], model["encoder"][1], model["head"]
    assert [len(group["params"]) for group in built] == [2, 2, 2]
    assert built[0]["params"] == [encoder.bias, norm.bias]
    assert built[0]["weight_decay"] == 0.5
    assert built[1]["lr"] == pytest.approx(0.02)
    assert built[2]["params"] == [head.weight, head.bias]
    torch.optim.Adam(built, lr=0.2).step()


class Deep(nn.Linear):
    """A part whose weight learns at a quarter of the rate."""

    def learning_rates(self):
        return {"weight": 0.25}


def test_a_part_says_how_slowly_it_learns():
    model = nn.ModuleDict({"encoder": Deep(2, 2), "head": nn.Linear(2, 1)})
    shares = rates_inside(model)
    assert shares == {"encoder.weight": 0.25}
    groups = [{"match": "encoder.*", "lr_scale": 0.5, "weight_decay": 0.1}]
    for chosen, expected in (([], [0.05, 0.2]), (groups, [0.025, 0.1, 0.2])):
        built = parameter_groups(named(model), chosen, partial(torch.optim.Adam, lr=0.2), shares)
        assert [group.get("lr", 0.2) for group in built] == pytest.approx(expected)
        every = [id(parameter) for group in built for parameter in group["params"]]
        assert sorted(every) == sorted(id(parameter) for parameter in model.parameters())
    assert [group.get("weight_decay") for group in built] == [0.1, 0.1, None]


@pytest.mark.parametrize("name", ["warmup_linear", "warmup_cosine", "cosine", "step", "cyclic"])
def test_schedules_keep_the_shares(name):
    model = nn.ModuleDict({"encoder": Deep(2, 2), "head": nn.Linear(2, 1)})
    shares = rates_inside(model)
    built = parameter_groups(named(model), [], partial(torch.optim.SGD, lr=0.2), shares)
    optimizer = torch.optim.SGD(built, lr=0.2)
    schedule = getattr(schedulers, name)(optimizer, epochs=3, steps_per_epoch=4)
    for _ in range(5):
        optimizer.step()
        schedule.scheduler.step()
        slow, fast = (group["lr"] for group in optimizer.param_groups)
        assert slow == pytest.approx(0.25 * fast)


def test_frozen_parameters_are_in_no_group(model):
    freeze(named(model), ["encoder.*"])
    built = parameter_groups(named(model), [], partial(torch.optim.Adam, lr=0.2))
    assert built[0]["params"] == list(model["head"].parameters())
    assert frozen_modules(model, ["encoder.*"]) == [
        model["encoder"],
        model["encoder"][0],
        model["encoder"][1],
    ]


@pytest.mark.parametrize("patterns", [["decoder.*"], ["encoder.*", "heads.*"]])
def test_a_pattern_that_matches_nothing_is_refused(model, patterns):
    with pytest.raises(MmserError, match=r"known: encoder\.0, encoder\.1, head"):
        freeze(named(model), patterns)


def test_everything_frozen_is_refused(model):
    freeze(named(model), ["*"])
    with pytest.raises(MmserError, match="at least one parameter that learns"):
        parameter_groups(named(model), [], partial(torch.optim.Adam, lr=0.2))


def gradients(*values):
    parameters = [nn.Parameter(torch.zeros(len(value))) for value in values]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.grad = torch.tensor(value)
    return parameters


def test_clipping_modes():
    given = ([3.0, 4.0], [0.3, 0.4])
    for mode, expected in {
        "norm": [5 / 5.0249378, 0.5 / 5.0249378],
        "tensor": [1.0, 0.5],
        "value": [2**0.5, 0.5],
    }.items():
        parameters = [*gradients(*given), nn.Parameter(torch.zeros(1))]
        clip_gradients(parameters, 1.0, mode)
        assert [float(p.grad.norm()) for p in parameters[:2]] == pytest.approx(expected, rel=1e-5)


def test_no_limit_changes_nothing():
    parameters = gradients([30.0, 40.0])
    clip_gradients(parameters, None)
    assert float(parameters[0].grad.norm()) == 50.0


def test_an_unknown_mode_is_refused():
    with pytest.raises(MmserError, match="'each'"):
        clip_gradients(gradients([1.0]), 1.0, "each")
