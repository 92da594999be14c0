"""Ids to row numbers."""

from __future__ import annotations

from zlib import crc32

import pyarrow as pa
import pytest

from mmser.cache.ids import Ids

SAME_SUM = ("plumless", "buckeroo")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5000])
def test_each_id_is_found_in_its_row_and_no_other_is(count: int) -> None:
    words = [f"Sprecher_ä_{number * number}" for number in range(count)]
    ids = Ids(pa.array(["", *words], pa.string()).slice(1))
    assert [ids.place(word) for word in words] == list(range(count))
    assert ids.find("Sprecher_ä_2") is None and ids.find("") is None and ids.find("\ud800") is None
    assert not ids.repeated
    with pytest.raises(KeyError):
        ids.place("unknown")


def test_ids_of_one_checksum_are_told_apart() -> None:
    assert crc32(SAME_SUM[0].encode()) == crc32(SAME_SUM[1].encode())
    ids = Ids(pa.array(["a", SAME_SUM[1]]))
    assert ids.find(SAME_SUM[0]) is None and ids.place(SAME_SUM[1]) == 1 and not ids.repeated
    both = Ids(pa.array([*SAME_SUM, "a"]))
    assert [both.place(word) for word in SAME_SUM] == [0, 1] and not both.repeated


@pytest.mark.parametrize("words", [["a", "b", "a"], [*SAME_SUM, SAME_SUM[0]]])
def test_an_id_of_two_rows_is_noticed(words: list[str]) -> None:
    assert Ids(pa.array(words)).repeated
