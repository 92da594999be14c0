"""Any name is one file's name, another name another's, and plain ones stay what they are."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmser.core.file_names import LONGEST, file_name, name_of
from mmser.core.printable import printable

TEXT = st.text(st.characters(codec=None), max_size=40)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Ses01F", "Ses01F"),
        ("Köln 2, [1]=é+@", "Köln 2, [1]=é+@"),
        ("张三", "张三"),
        ("a.b", "a.b"),
        ("a/b", "a%2Fb"),
        ("../../x", "%2E.%2F..%2Fx"),
        (".", "%2E"),
        ("..", "%2E."),
        ("a\\b", "a%5Cb"),
        ("50%", "50%25"),
        ("a\n\x1b", "a%0A%1B"),
        ("", "%"),
        ("\udc80", "%ED%B2%80"),
    ],
)
def test_names_and_files(name, file):
    assert file_name(name) == file
    assert name_of(file) == name


@given(TEXT)
def test_the_name_comes_back_and_leads_nowhere_else(name):
    written = file_name(name)
    assert name_of(written) == name or len(written.encode()) > LONGEST - 20
    assert len(Path("folder", written).parts) == 2 and written not in (".", "..")
    written.encode("utf-8")


@given(TEXT, TEXT)
def test_two_names_are_two_files(one, other):
    assert (file_name(one) == file_name(other)) == (one == other)


def test_a_long_name_is_cut_and_still_its_own(tmp_path):
    long = ["字" * 100 + end for end in "ab"] + ["/" * 90]
    files = {file_name(name) for name in long}
    assert len(files) == 3 and all(len(file.encode()) <= LONGEST for file in files)
    for file in files:
        (tmp_path / f"{file}-seed0").touch()


def test_bytes_that_are_no_text_are_escaped_for_people():
    assert printable(Path("a/Köln 心.wav")) == "a/Köln 心.wav"
    assert printable(os.fsdecode(b"K\xf6ln")) == "K\\udcf6ln"
