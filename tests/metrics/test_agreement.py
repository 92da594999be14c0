"""Krippendorff's alpha on the example of his paper, and where it is undefined."""

import math

import pytest

from mmser.metrics.agreement import krippendorff_alpha

# K. Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, section C: four observers,
# twelve units, judgements missing.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
UNITS = [[int(each) for each in unit if each != "."] for unit in zip(*OBSERVERS, strict=True)]


def test_the_example_of_the_paper():
    assert krippendorff_alpha(UNITS) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(UNITS, "interval") == pytest.approx(0.849, abs=5e-4)


def test_full_agreement_and_none():
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1
    assert krippendorff_alpha([["a", "b"], ["b", "a"]]) < 0


@pytest.mark.parametrize("units", [[], [["a"], ["b"]], [["a", "a"], ["a", "a"]]])
def test_nothing_to_disagree_about_is_not_a_number(units):
    assert math.isnan(krippendorff_alpha(units))
