"""Arrays that others have made, whole and damaged."""

from pathlib import Path

import numpy as np
import pytest

from mmser.core.errors import MmserError
from mmser.extraction.array_files import read_arrays

HEADER = b"\x93NUMPY\x01\x00v\x00"


def test_rows_belong_to_the_ids_of_a_table(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.arange(6.0).reshape(2, 3))
    (tmp_path / "ids.csv").write_text("id,more\nu1,x,\n u2 ,y,\n")
    read = read_arrays(tmp_path / "rows.npy", ids=tmp_path / "ids.csv")
    assert {key: values.tolist() for key, values in read.items()} == {
        "u1": [[0, 1, 2]],
        "u2": [[3, 4, 5]],
    }
    (tmp_path / "ids.csv").write_text("id,more\nu1,x\n,y\n")
    with pytest.raises(MmserError, match=r"an id in every line of .*found line 2"):
        read_arrays(tmp_path / "rows.npy", ids=tmp_path / "ids.csv")


def test_a_folder_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    np.save(tmp_path / "disk" / "u1.npy", np.zeros((2, 3)))
    (tmp_path / "arrays").mkdir()
    (tmp_path / "arrays" / "part").symlink_to(tmp_path / "disk")
    assert list(read_arrays(tmp_path / "arrays")) == ["part/u1"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEADER,
        HEADER + b"(((((".ljust(117) + b"\n",
        HEADER
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
        + b"\n",
        b"PK\x03\x04",
        b"no array",
    ],
)
def test_damaged_files_are_one_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "u.npy").write_bytes(content)
    (tmp_path / "u.npz").write_bytes(content)
    for path in (tmp_path, tmp_path / "u.npz"):
        with pytest.raises(MmserError, match=r"numpy arrays in .*u\.np[yz]; found \w+"):
            read_arrays(path)


def test_flipped_bytes_of_an_archive_are_one_error_or_none(tmp_path: Path) -> None:
    path = tmp_path / "arrays.npz"
    np.savez_compressed(path, u1=np.random.default_rng(0).random((20, 4)), u2=np.zeros((30, 4)))
    whole, generator = path.read_bytes(), np.random.default_rng(1)
    refused = 0
    for _ in range(100):
        content = bytearray(whole)
        for place in generator.integers(0, len(content), 3):
            content[place] ^= 1 << generator.integers(8)
        path.write_bytes(content)
        try:
            read_arrays(path)
        except MmserError:
            refused += 1
    assert refused > 50
