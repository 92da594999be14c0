"""AVEC's feature files: evenly spaced, with holes, with and without a header."""

from pathlib import Path

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.data.sample import Sample, Track
from mmser.data.stream_alignment import StreamAlignment, align
from mmser.extraction.track_files import read_tracks


def test_even_rows_have_a_frame_rate(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "name;frameTime;F0;loudness\n'rec';0.0;1;2\n'rec';0.1;3;4\n'rec';0.2;5;6\n"
    )
    features = read_tracks(tmp_path)["rec"]
    np.testing.assert_array_equal(features.values, [[1, 2], [3, 4], [5, 6]])
    assert features.frame_rate == 10.0 and features.spans is None


def test_files_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "rec.csv").write_text("'rec',0.0,1,2\n'rec',0.5,3,4\n")
    features = read_tracks(tmp_path)["rec"]
    np.testing.assert_array_equal(features.values, [[1, 2], [3, 4]])
    assert features.frame_rate == 2.0


def test_holes_are_masked_by_the_grid(tmp_path: Path) -> None:
    rows = [f"'rec';{t / 10:.1f};{'NaN' if 1000 <= t < 1010 else t}\n" for t in range(1800)]
    (tmp_path / "rec.csv").write_text("name;timestamp;x\n" + "".join(rows))
    features = read_tracks(tmp_path)["rec"]
    assert features.frame_rate is None and features.notes == "10 rows with empty cells left out"
    track = Track(features.values, None, features.spans)
    gridded = align(Sample("rec", {"x": track}, {}), StreamAlignment("grid", 10.0)).streams["x"]
    assert gridded is not None and gridded.mask is not None
    assert np.flatnonzero(~gridded.mask).tolist() == list(range(1000, 1010))
    np.testing.assert_array_equal(
        gridded.values[gridded.mask, 0], [*range(1000), *range(1010, 1800)]
    )


def test_a_file_of_holes_alone(tmp_path: Path) -> None:
    (tmp_path / "rec.csv").write_text("name;timestamp;x;y\n'rec';0.0;1;\n'rec';0.1;;2\n")
    with pytest.raises(MmserError, match=r"rows without an empty cell in .*rec\.csv; found none"):
        read_tracks(tmp_path)
