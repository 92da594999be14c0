"""Which trace a run's objective learned from, by its config alone; the rest is in end_to_end."""

from __future__ import annotations

import pytest

from mmser.core.configs import load_config
from mmser.evaluation.byproducts.frames import traced_labels


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sequence_ccc", ("labels", 1)), ("frame_ccc", ("gold", 0)), ("cross_entropy", ("", 0))],
)
def test_the_config_names_the_trace_and_the_delay(name: str, expected: tuple[str, int]) -> None:
    assert traced_labels(load_config("objective", name)) == expected


def test_an_argument_left_out_is_the_classs_own() -> None:
    target = load_config("objective", "sequence_ccc")["_target_"]
    assert traced_labels({"_target_": target}) == ("labels", 1)


def test_a_term_of_a_sum_is_found() -> None:
    config = load_config("objective", "multitask")
    config["terms"]["frames"] = {**load_config("objective", "sequence_ccc"), "delay": 4}
    assert traced_labels(config) == ("labels", 4)
