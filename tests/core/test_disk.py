"""A full disk is one error that names the file; every other failure stays as it is."""

from __future__ import annotations

import errno

import pytest

from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "nothing left"), "No space left on device"),
        (OSError(errno.EDQUOT, "enough"), "Disk quota exceeded"),
        (RuntimeError("PytorchStreamWriter failed writing file x"), "No space left on device"),
        (Exception("I/O error: os error 28"), "No space left on device"),
    ],
)
def test_a_full_disk_names_the_file(error: Exception, words: str) -> None:
    expected = rf"room on the disk for the\.file; found {words}"
    with pytest.raises(MmserError, match=expected), full_disk_named("the.file"):
        raise error


def test_another_failure_passes_through() -> None:
    with pytest.raises(PermissionError), full_disk_named("the.file"):
        raise PermissionError(errno.EACCES, "not yours")
