"""What the parsers share: decoding text, finding media, measuring clips, the error for a wrong
folder.
"""

import re
import wave
from pathlib import Path

import pytest

from mmser.core.errors import MmserError
from mmser.corpora.layout import (
    AUDIO_SUFFIXES,
    clips_by_name,
    duration,
    existing_root,
    media_files,
    read_label_text,
    unpacked,
    whole_number,
    wrong_layout,
)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("naïve \u2019".encode(), "naïve \u2019"),
        ("\ufeffid".encode(), "id"),
        (b"it\x92s na\xefve", "it\u2019s naïve"),
        (b"\x81\xe9", "\ufffdé"),  # 0x81 is undefined in Windows-1252
    ],
)
def test_text_is_utf8_or_windows_1252_by_its_bytes(
    tmp_path: Path, content: bytes, text: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    assert read_label_text(path) == text


def test_media_files_are_sorted_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b/two.WAV", "a/one.flac", "a/._one.flac", "a/notes.txt", "c.wav/inner.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    names = [
        path.relative_to(tmp_path).as_posix() for path in media_files(tmp_path, AUDIO_SUFFIXES)
    ]
    assert names == ["a/one.flac", "b/two.WAV"]


def test_an_archive_unpacked_into_its_own_name(tmp_path: Path) -> None:
    assert unpacked(tmp_path / "labels") == tmp_path / "labels"
    (tmp_path / "labels" / "labels").mkdir(parents=True)
    assert unpacked(tmp_path / "labels") == tmp_path / "labels" / "labels"
    (tmp_path / "labels" / "one.csv").touch()
    assert unpacked(tmp_path / "labels") == tmp_path / "labels"


def test_whole_numbers() -> None:
    assert [whole_number(text) for text in ("0", "12", " 7 ", "3.0")] == [0, 12, 7, 3]
    assert [
        whole_number(text)
        for text in ("", None, "1.5", "-1", "x", "2147483648", "9" * 40, "9" * 5000)
    ] == [None] * 8


def test_the_wrong_folder_is_described(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"file{number}").touch()
    error = wrong_layout(tmp_path, "a layout")
    assert "expected a layout; found file0, file1, file2, file3, file4, file5 and 2 more in" in str(
        error
    )
    with pytest.raises(MmserError, match=r"expected a layout; found no folder .*corpus\.root"):
        existing_root(tmp_path / "gone", "a layout")
    for impossible in ("~nosuchuser/x", "a\0b", "x" * 5000):
        with pytest.raises(MmserError, match="expected a layout; found no folder"):
            existing_root(impossible, "a layout")


def test_duration_is_the_headers(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(2 * 24000))
    assert duration(path) == pytest.approx(1.5)
    (tmp_path / "broken.wav").write_text("no sound")
    assert duration(tmp_path / "broken.wav") is None
    assert duration(tmp_path / "gone.wav") is None
    # A list of other files is no recording, whatever its name says.
    (tmp_path / "list.wav").write_text(
        f"ffconcat version 1.0\nfile '{path.name}'\n", encoding="utf-8"
    )
    assert duration(tmp_path / "list.wav") is None


def test_clips_are_known_by_the_code_of_their_names() -> None:
    files = [Path("a/03a01.wav"), Path("b/03a01.wav"), Path("b/notes.wav")]
    assert clips_by_name(files, re.compile(r"\d\d[a-z]\d\d")) == {"03a01": Path("b/03a01.wav")}
