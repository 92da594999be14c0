"""What an option may be, and what each kind of range refuses."""

import pytest

from mmser.settings.check import ranges_of
from mmser.settings.data import Data, Episodes
from mmser.settings.preprocess import Preprocess
from mmser.settings.ranges import Flag, ListOf, MappingOf, Null, Number, OneOf, Text, Whole
from mmser.settings.run import RunSettings
from mmser.settings.stage import Stage
from mmser.settings.stream import StreamSpec
from mmser.settings.trainer import Trainer


def test_every_option_says_what_it_may_be():
    for kind in (RunSettings, Trainer, Data, Episodes, StreamSpec, Stage, Preprocess):
        assert all(ranges_of(kind).values()), kind


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Whole(1), [1, 10**9], [0, -1, 1.0, True, "1", None, 10**20, float("nan")]),
        (Number(above=0), [1, 0.5], [0, -1, True, "1", None, float("nan"), float("inf"), 10**400]),
        (Number(least=0, below=1), [0, 0.5], [1, 2, -0.1]),
        (Flag(), [True, False], [0, 1, "true", None]),
        (Text(), ["a", "null"], ["", "  ", 1, None, "a\0b"]),
        (Null(), [None], ["null", 0]),
        (OneOf("auto", -1), ["auto", -1], ["", 1, True, None]),
        (OneOf(1), [1], [True, "1", 1.0]),
        (ListOf(Whole(), least=1, distinct=True), [[0, 1]], [[], [1, 1], [-1], 1, "12", None]),
        (ListOf(Number(), least=2, most=2), [[0, 1], (0.5, 1)], [[0], [0, 1, 2]]),
        (MappingOf(Whole()), [{}, {"a": 1}], [{"a": -1}, [1], "a", None]),
    ],
)  # fmt: skip
def test_ranges(kind, good, bad):
    assert [value for value in good if not kind.holds(value)] == []
    assert [value for value in bad if kind.holds(value)] == []
    assert str(kind)
