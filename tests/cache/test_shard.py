"""Arrays of one file by their keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mmser.cache import shard as shard_module
from mmser.cache.shard import Shard


def arrays() -> dict[str, np.ndarray]:
    whole = {f"spans:ü{n}": np.arange(n, dtype=np.int64) for n in range(30)}
    return whole | {f"values:ü{n}": np.full((n, 3), n, np.float16) for n in range(30)}


def check(path: Path) -> None:
    shard = Shard(path)
    for key, array in arrays().items():
        found = shard.read(key)
        assert found.dtype == array.dtype and found.shape == array.shape
        assert (found == array).all() and not found.flags.writeable
    with pytest.raises(KeyError):
        shard.read("values:ü30")


def test_every_array_is_found_under_its_key(tmp_path: Path) -> None:
    save_file(arrays(), tmp_path / "shard", metadata={"rows": "[]"})
    check(tmp_path / "shard")


def test_keys_of_one_number_are_numbered_anew(tmp_path: Path, monkeypatch) -> None:
    save_file(arrays(), tmp_path / "shard")
    original = shard_module._number
    monkeypatch.setattr(
        shard_module, "_number", lambda key, salt: original(key, salt) % (99, 2**40)[salt]
    )
    check(tmp_path / "shard")


def test_a_file_without_arrays(tmp_path: Path) -> None:
    save_file({}, tmp_path / "shard")
    with pytest.raises(KeyError):
        Shard(tmp_path / "shard").read("values:u")
