"""Shards are written byte for byte as the library writes them, whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from mmser.cache.shard_file import write_arrays


@pytest.mark.parametrize("metadata", [None, {"rows": 'one "row"\n\twith \\ and é, 日本 \x01'}])
def test_the_bytes_are_the_librarys(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    generator = np.random.default_rng(0)
    arrays = {
        f"{word}:{number} ü \U0001f600\uffff": np.array(generator.normal(0, 9, shape), dtype)
        for number, shape in enumerate([(7, 3), (1,), (5, 2, 2), ()])
        for dtype in ("float16", "float32", "int32", "int64")
        for word in (dtype, "Z", "a", "é")
    }
    assert {array.dtype.name for array in arrays.values()} == {
        "float16", "float32", "int32", "int64",
    }  # fmt: skip
    path = tmp_path / "shard.safetensors"
    checksum = write_arrays(path, arrays, metadata)
    assert path.read_bytes() == save(arrays, metadata)
    assert checksum == hashlib.sha256(path.read_bytes()).hexdigest()
    for key, array in load_file(path).items():
        np.testing.assert_array_equal(array, arrays[key])


def test_columns_of_an_array_are_written_as_a_whole_one(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)[:, ::2]
    write_arrays(tmp_path / "one", {"a": array})
    assert (tmp_path / "one").read_bytes() == save({"a": np.ascontiguousarray(array)})


def test_nothing_is_left_of_a_failed_attempt(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_arrays(tmp_path / "one", {"a": np.zeros(3, np.complex64)})
    assert list(tmp_path.iterdir()) == []
