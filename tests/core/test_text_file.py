"""Bytes become text by their mark, and what is no text is named."""

from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.core.text_file import read_text

TEXT = "id,transcript\nu1,你好\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_its_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert read_text(path) == TEXT


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (TEXT.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (TEXT.encode("utf-16-be"), "UTF-16 without a byte order mark"),
        (TEXT.encode("gb18030"), "bytes in line 2 that are no UTF-8: perhaps Windows-1252"),
        ("id,transcript\nu1,naïve\n".encode("latin-1"), "bytes in line 2 that are no UTF-8"),
        (TEXT.encode("utf-16")[:-1], "bytes in line .* that are no UTF-16"),
        (bytes(range(256)), "binary content"),
        (b"PK\x03\x04rest", "an Excel workbook"),
        (b"PAR1rest", "a parquet file"),
    ],
)
def test_what_is_no_text_is_named_with_the_remedy(
    tmp_path: Path, content: bytes, found: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(
        MmserError, match=rf"text in UTF-8 in .*a\.csv; found {found}.*\. Save it as csv in UTF-8"
    ):
        read_text(path)


def test_the_fallback_is_for_bytes_that_are_not_utf8_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"it\x92s na\xefve")
    assert read_text(path, fallback="cp1252") == "it\u2019s naïve"
    path.write_bytes(TEXT.encode())
    assert read_text(path, fallback="cp1252") == TEXT
