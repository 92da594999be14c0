"""Errors are one line: expected, found, remedy."""

from __future__ import annotations

import pytest

from mmser.core.errors import MmserError, UsageError, listed_faults, reason_of


def test_an_error_says_what_was_expected_what_was_found_and_what_to_do() -> None:
    assert str(MmserError("a folder", "a file", "Name the folder.")) == (
        "expected a folder; found a file. Name the folder."
    )
    assert issubclass(UsageError, MmserError)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("two\n  lines"), "two lines"),
        (KeyError(), "KeyError"),
        (ValueError("x" * 400), "x" * 300),
    ],
)
def test_a_librarys_reason_is_one_short_line(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_ten_faults_are_listed_and_the_rest_counted() -> None:
    faults = [f"row {row}" for row in range(12)]
    found = listed_faults("a table", faults, "Mend it.").found
    assert found.endswith("row 9; and 2 more") and "row 10" not in found
    assert listed_faults("a table", faults[:10], "Mend it.").found.endswith("row 9")
