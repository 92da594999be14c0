"""The bytes of a text file as text, or one error that names the encoding problem and the remedy."""

from __future__ import annotations

import codecs
from pathlib import Path

from mmser.core.errors import MmserError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; that of UTF-16 begins that of UTF-32, so the longer ones stand first."""

NO_TEXT = (
    (b"PK\x03\x04", "an Excel workbook (or another zip archive)"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old form"),
    (b"PAR1", "a parquet file"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"%PDF", "a PDF"),
)
"""First bytes of what is often taken for a table."""

REMEDY = "Save it as csv in UTF-8 (Excel: 'CSV UTF-8'; a file: iconv -f CODE -t UTF-8)."
HEAD = 4096
"""Bytes that are looked at to tell UTF-16 from other content with zero bytes."""


def read_text(path: str | Path, fallback: str | None = None) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 with a byte order mark.

    A mark of UTF-8 is left out. ``fallback`` is the encoding of bytes that are not UTF-8; bytes
    that it leaves undefined become U+FFFD. Raises MmserError where the bytes are no such text.
    """
    source = Path(path)
    content = source.read_bytes()
    for first, what in NO_TEXT:
        if content.startswith(first):
            raise _no_text(source, what)
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content:
        raise _no_text(source, _kind_with_zero_bytes(content[:HEAD]))
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        if encoding == "utf-8" and fallback is not None:
            return content.decode(fallback, errors="replace")
        line = content.count(b"\n", 0, problem.start) + 1
        name = encoding.upper().removesuffix("-SIG")
        guess = ": perhaps Windows-1252 (Latin-1) or GB18030" if encoding == "utf-8" else ""
        raise _no_text(source, f"bytes in line {line} that are no {name}{guess}") from problem


def _kind_with_zero_bytes(head: bytes) -> str:
    """What a file without a mark is, judged by its first bytes."""
    even = head[: len(head) // 2 * 2]
    for encoding in ("utf-16-le", "utf-16-be"):
        line = even.decode(encoding, errors="replace").split("\n", 1)[0].strip()
        ascii_letters = sum(letter.isascii() for letter in line)
        # In the wrong byte order the text would be Chinese characters.
        if line.isprintable() and ascii_letters > len(line) / 2:
            return "UTF-16 without a byte order mark"
    return "binary content (zero bytes)"


def _no_text(source: Path, found: str) -> MmserError:
    return MmserError(f"text in UTF-8 in {source}", found, REMEDY)
