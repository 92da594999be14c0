"""Columns stand under their names."""

from __future__ import annotations

from mmser.core.output import columns_text


def test_columns_are_as_wide_as_their_longest_word() -> None:
    rows = [{"name": "mfcc", "size": "13"}, {"name": "log_mel", "size": ""}]
    assert columns_text(rows) == "name     size\nmfcc     13\nlog_mel"


def test_no_rows_are_said() -> None:
    assert columns_text([]) == "(none)"
