"""One holder at a time, named; a dead one does not count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmser.cache.lock import locked
from mmser.core.errors import MmserError

HOLDER = """
import sys
from pathlib import Path
from mmser.cache.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "store.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_names_the_holder(tmp_path: Path, holder):
    with (
        pytest.raises(
            MmserError, match=f"expected store to be free; found process {holder.pid} on"
        ),
        locked(tmp_path / "store.lock", wait=False),
    ):
        pass


def test_waits_and_says_for_whom(tmp_path: Path, holder):
    said = []

    def say(text: str) -> None:
        said.append(text)
        holder.stdin.close()

    with locked(tmp_path / "store.lock", say=say):
        assert (tmp_path / "store.lock").read_text().startswith(f"{os.getpid()} ")
    assert said[0].startswith(f"waiting for process {holder.pid}") and len(said) == 1


def test_takes_over_from_the_dead(tmp_path: Path, holder):
    holder.kill()
    holder.wait()
    assert (tmp_path / "store.lock").exists()
    with locked(tmp_path / "store.lock", wait=False):
        pass
    assert not (tmp_path / "store.lock").exists()


def test_released_after_an_error(tmp_path: Path):
    with pytest.raises(KeyError), locked(tmp_path / "store.lock"):
        raise KeyError
    with locked(tmp_path / "store.lock", wait=False):
        pass
