"""Files appear whole, readable by whom the umask says, and a full disk is told by
the file's name.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pandas as pd
import pytest
from torch import nn

from mmser.cache.atomic import write_bytes, written_aside
from mmser.cache.tensors import save_module
from mmser.core.errors import MmserError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o022, 0o007], ids=["022", "007"])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_mode_is_the_usual_one(umask, tmp_path) -> None:
    write_bytes(tmp_path / "plain", b"x")
    save_module(nn.Linear(1, 1), tmp_path / "model.safetensors")
    with written_aside(tmp_path / "table.parquet") as aside:
        pd.DataFrame({"a": [1]}).to_parquet(aside)
    with written_aside(tmp_path / "private") as aside:
        aside.touch()
        aside.chmod(0o600)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o666 & ~umask}


def test_nothing_is_left_of_a_file_that_failed(tmp_path) -> None:
    (tmp_path / "file").write_text("before")
    with pytest.raises(KeyboardInterrupt), written_aside(tmp_path / "file") as aside:
        aside.write_text("half")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "before"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_names_the_file(tmp_path) -> None:
    told = r"room on the disk for .*file; found No space left"
    with pytest.raises(MmserError, match=told), written_aside(tmp_path / "file") as aside:
        aside.unlink()
        aside.symlink_to("/dev/full")
        aside.write_bytes(b"x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "quota exceeded"),
        (
            RuntimeError(
                'IoError(Os { code: 28, kind: StorageFull, message: "No space left on device" })'
            ),
            "No space",
        ),
        (
            RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
            "No space left",
        ),
    ],
    ids=["disk", "quota", "safetensors", "torch"],
)
def test_every_library_is_understood(error, told, tmp_path) -> None:
    with (
        pytest.raises(MmserError, match=f"{tmp_path / 'file'}; found .*{told}"),
        written_aside(tmp_path / "file"),
    ):
        raise error


def test_another_error_stays_as_it_is(tmp_path) -> None:
    with pytest.raises(PermissionError), written_aside(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "Permission denied")
