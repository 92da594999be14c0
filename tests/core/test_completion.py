"""Completing a partial part: whatever its class raises becomes one clear error."""

from functools import partial

import pytest
import torch

from mmser.core.completion import completed
from mmser.core.errors import MmserError


def test_a_part_is_completed():
    layer = completed("the layer", partial(torch.nn.Linear, out_features=3), in_features=2)
    assert layer.weight.shape == (3, 2)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (partial(torch.nn.Linear, out_features=-3), r"class of the layer takes; found " r"Runtime.*out_features=-3"),
        (partial(torch.nn.Linear, unheard=1), r"found TypeError: .*unheard"),
        (partial(torch.nn.LSTM, hidden_size=0), r"found ValueError: .*hidden_size=0"),
        (partial(torch.nn.Linear, out_features="a" * 9000), r"found TypeError"),
    ],
)  # fmt: skip
def test_what_it_raises_is_one_error_that_names_its_arguments(part, said):
    with pytest.raises(MmserError, match=said) as refused:
        completed("the layer", part, 2)
    assert len(str(refused.value)) < 520
    assert "\n" not in str(refused.value)


def test_errors_for_the_user_pass():
    def refuses(size):
        raise MmserError("a", "b", "c")

    with pytest.raises(MmserError, match="expected a; found b"):
        completed("it", refuses, 1)
