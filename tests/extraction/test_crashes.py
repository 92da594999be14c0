"""Jobs that are really killed, with SIGKILL, end with the bytes of a job that was not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("crash_driver.py")


def drive(mode: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(DRIVER), mode, str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("mode", "fewest"), [("kill", 20), ("held", 15)])
def test_killed_at_every_stage_of_its_file_operations(mode: str, fewest: int, tmp_path: Path):
    result = drive(mode, tmp_path)
    assert result["killed"] >= fewest and result["differing"] == []


def test_killed_again_and_again_at_random_moments(tmp_path: Path):
    result = drive("random", tmp_path)
    assert result["killed"] >= 5 and result["differing"] == []


def test_three_machines_and_a_merge_all_killed_give_the_cache_of_one_process(tmp_path: Path):
    result = drive("shares", tmp_path)
    assert result["killed"] == 5 and result["differing"] == [] and result["again"]
    assert all(any(f"{number}-of-3" in name for name in result["parts"]) for number in (1, 2, 3))


def test_the_final_cache_has_several_shards_of_each_kind_and_no_leftovers(tmp_path: Path):
    result = drive("together", tmp_path)
    assert result["done"] == [True, True] and result["same"]
    names = [Path(name).name for name in result["files"]]
    assert names.count("shard-00001.safetensors") == 2 and names.count("transcripts.parquet") == 1
    assert not [
        name for name in names if name.startswith("part") or name.endswith((".lock", ".tmp"))
    ]
