"""Expected counts: the differing utterances are named."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmser.core.errors import MmserError
from mmser.protocols.counts import differences, expand, shortened


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("plain", ["plain"]),
        ("a{x,y}", ["ax", "ay"]),
        ("{08..11}-{a,b}", ["08-a", "08-b", "09-a", "09-b", "10-a", "10-b", "11-a", "11-b"]),
        ("d{0..2}", ["d0", "d1", "d2"]),
        ("d{7}", ["d7"]),
    ],
)
def test_patterns_expand_as_in_a_shell(pattern: str, ids: list[str]) -> None:
    assert list(expand(pattern)) == ids


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.lists(st.integers(1, 4), max_size=3))
def test_a_pattern_gives_the_product_of_its_choices(widths: list[int]) -> None:
    pattern = "-".join(f"{{{','.join('abcd'[:width])}}}" for width in widths)
    product = 1
    for width in widths:
        product *= width
    assert len(set(expand(pattern))) == product


def table() -> pd.DataFrame:
    rows = [("a-1", "a", "hap", "train"), ("a-2", "a", "sad", "train"), ("b-1", "b", "hap", "test")]
    return pd.DataFrame(rows, columns=["id", "speaker", "label", "part"])


def test_a_complete_corpus_has_no_differences() -> None:
    counts = {
        "total": 3,
        "label": {"hap": 2, "sad": 1},
        "part/label": {"train/hap": 1, "train/sad": 1, "test/hap": 1},
    }
    assert differences(table(), counts, []) == []
    assert differences(table(), {"each_speaker": 2}, []) == ["speaker b: 1, not 2 (b-1)"]


def test_every_kind_of_difference_is_a_line() -> None:
    assert differences(table(), {"total": 4}, []) == ["3 utterances, not 4"]
    assert differences(table(), {"label": {"hap": 3, "ang": 1}}, []) == [
        "label hap: 2, not 3 (a-1, b-1)",
        "label ang: 0, not 1 (none)",
        "label sad: not expected (a-2)",
    ]


def test_ids_name_the_utterances_of_the_speakers_present() -> None:
    assert differences(table(), {}, ["{speaker}-1", "a-2"]) == []
    assert differences(table(), {"total": 99}, ["{speaker}-{1..3}"]) == ["3 missing: a-3, b-2, b-3"]
    assert differences(table(), {}, ["{speaker}-1"]) == ["1 not of the corpus: a-2"]


def test_long_lists_are_shortened() -> None:
    assert shortened(f"{n:02d}" for n in range(15)).endswith("11 and 3 more")


@pytest.mark.parametrize(
    ("counts", "ids", "message"),
    [
        ("all", [], "protocol.counts to be a mapping"),
        ({"mood": {"up": 1}}, [], "no column mood"),
        ({"label/mood": {"a/up": 1}}, [], "no column mood"),
        ({"totl": 3}, [], "total, speakers, each_speaker, or a column .*; found totl: 3"),
        ({}, ["{a..b}"], r"ranges such as .*; found \{a\.\.b\}"),
        ({}, ["{1..}"], "ranges such as"),
        ({}, ["{1..99999999}"], "ranges such as"),
    ],
)
def test_counts_and_patterns_that_say_nothing_are_refused(counts, ids, message):
    with pytest.raises(MmserError, match=message):
        differences(table(), counts, ids)
