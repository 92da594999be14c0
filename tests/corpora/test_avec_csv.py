"""Files as they are found in the wild, and what is wrong with them in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.corpora.avec_csv import read_folder, read_track, write_track

PLAIN = "name;timestamp;arousal;valence\n'r1';0.0;0.1;-0.2\n'r1';0.1;0.3;0.4\n"
EXPECTED = np.array([[0.1, -0.2], [0.3, 0.4]], np.float32)

DIALECTS = {
    "plain": PLAIN,
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + PLAIN,
    "comma": PLAIN.replace(";", ","),
    "tab": PLAIN.replace(";", "\t"),
    "double quotes": PLAIN.replace("'", '"'),
    "quoted header": PLAIN.replace("name;timestamp", '"Name";"Timestamp"'),
    "other spellings": PLAIN.replace(
        "name;timestamp;arousal", "Instance_name; frame time ;Arousal"
    ),
    "decimal comma": PLAIN.replace("0.", "0,"),
    "spaces": PLAIN.replace(";", "; "),
    "no last newline": PLAIN.rstrip("\n"),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "trailing separator": PLAIN.replace("\n", ";\n"),
    "frames in another order": "name;timestamp;arousal;valence\nr1;0.1;0.3;0.4\nr1;0.0;0.1;-0.2\n",
    "columns in another order": "timestamp;arousal;valence;name\n0.0;0.1;-0.2;r1\n0.1;0.3;0.4;r1\n",
}


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS)
def test_dialects_say_the_same(tmp_path: Path, text: str) -> None:
    track = read_track(put(tmp_path / "other_name.csv", text))
    assert track.name == "r1" and track.attributes == ("arousal", "valence")
    np.testing.assert_allclose(track.times, [0.0, 0.1])
    np.testing.assert_array_equal(track.values, EXPECTED)
    assert track.values.dtype == np.float32


def test_without_a_name_column_the_file_names_the_recording(tmp_path: Path) -> None:
    track = read_track(put(tmp_path / "Devel_DE_01.csv", "timestamp;liking\n0;1\n"))
    assert (track.name, track.attributes) == ("Devel_DE_01", ("liking",))


def test_written_files_read_back(tmp_path: Path) -> None:
    values = np.array([[0.123456, -1], [2, 3]], np.float32)
    write_track(tmp_path / "r.csv", "r", np.array([0.0, 0.1]), values, ("valence", "tension"))
    assert (tmp_path / "r.csv").read_text().splitlines()[1] == "'r';0.000000;0.123456;-1.000000"
    track = read_track(tmp_path / "r.csv")
    np.testing.assert_allclose(track.values, values, atol=1e-6)
    assert track.attributes == ("valence", "tension")


def test_missing_labels_are_unlabelled_frames_and_missing_predictions_an_error(
    tmp_path: Path,
) -> None:
    text = "name;timestamp;arousal\nr;0;0.5\nr;0.1;NaN\nr;0.2;\n"
    path = put(tmp_path / "r.csv", text)
    assert np.isnan(read_track(path, gold=True).values[:, 0]).tolist() == [False, True, True]
    with pytest.raises(
        MmserError,
        match=r"a number in every cell of column arousal .*'NaN' in frame 2 \(2 such cells",
    ):
        read_track(path)


FAULTS = {
    "": "a header and rows",
    "name;timestamp;arousal\n": "at least one frame .* found none",
    "r;0.0;0.1\nr;0.1;0.2\n": "a timestamp column .* found the header",
    "name;timestamp\nr;0\n": "at least one attribute",
    "name;timestamp;arousal\nr;0;x1\n": "'x1' in frame 1",
    "name;timestamp;arousal\nr;0;inf\n": "'inf' in frame 1",
    "name;timestamp;arousal\nr;0;1\nr;0;2\n": "each timestamp once .* 0 s twice",
    "name;timestamp;arousal\nr;0;1\nq;1;2\n": "one recording .* the names q, r",
    "name;timestamp;arousal;Arousal\nr;0;1;2\n": "each column once",
}


@pytest.mark.parametrize("text", FAULTS, ids=FAULTS.values())
def test_faults_are_named(tmp_path: Path, text: str) -> None:
    path = put(tmp_path / "bad.csv", text)
    with pytest.raises(MmserError, match=FAULTS[text]) as caught:
        read_track(path, gold=True)
    assert "bad.csv" in str(caught.value)


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match="no such folder"):
        read_folder(tmp_path / "absent")
    with pytest.raises(MmserError, match="no csv in it"):
        read_folder(tmp_path)
    put(tmp_path / "a.csv", PLAIN)
    put(tmp_path / "readme.txt", "not a recording")
    assert list(read_folder(tmp_path)) == ["r1"]
    put(tmp_path / "b.CSV", PLAIN)
    with pytest.raises(MmserError, match=r"one file per recording .* r1 in a.csv and b.CSV"):
        read_folder(tmp_path)


def test_files_of_a_folder_share_attributes_in_any_order(tmp_path: Path) -> None:
    put(tmp_path / "a.csv", PLAIN)
    put(tmp_path / "b.csv", "name;timestamp;valence;arousal\nr2;0;7;8\n")
    assert read_folder(tmp_path)["r2"].values.tolist() == [[8, 7]]
    put(tmp_path / "c.csv", "name;timestamp;valence\nr3;0;7\n")
    with pytest.raises(
        MmserError, match=r"arousal, valence in every file .* found valence in c.csv"
    ):
        read_folder(tmp_path)


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name;timestamp;x\n'a';0.0;1\n")
    (tmp_path / "._a.csv").write_bytes(b"\x00\x05\xff")
    assert list(read_folder(tmp_path)) == ["a"]
