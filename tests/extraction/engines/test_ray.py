"""Ray itself: a cluster of this machine with a node killed, and how its absence is told.

scripts/check_ray.py kills more, and more often.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mmser.composition import compose
from mmser.core.errors import MmserError, UsageError
from mmser.extraction.engines import ray_cluster
from mmser.extraction.engines.ray_cluster import ray_session

SCRIPT = Path(__file__).parents[3] / "scripts" / "check_ray.py"


@pytest.mark.slow
def test_a_killed_node_leaves_the_cache_of_one_process() -> None:
    command = [sys.executable, str(SCRIPT), "--only", "nodes", "--kills", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"elsewhere": [], "nodes": {"lost": 1, "same": True}}


def test_ray_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(MmserError, match=r"expected Ray; found none\. pip install 'mmser\[ray\]'"):
        ray_session(None).__enter__()


def test_an_address_that_does_not_answer() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(MmserError, match=rf"engine\.address=127\.0\.0\.1:{port}; found no answer"):
        ray_session(f"127.0.0.1:{port}").__enter__()
    with pytest.raises(UsageError, match="HOST:PORT, or auto; found head"):
        ray_session("head").__enter__()


def test_the_options() -> None:
    words = ["corpus=meld", "corpus.root=x", "extractors=[mfcc40]"]
    assert compose("preprocess", words)["engine"] == {"name": "processes"}
    chosen = compose("preprocess", [*words, "engine=ray", "engine.gpus_per_task=0.25"])["engine"]
    assert chosen == {
        "name": "ray", "address": None, "cpus_per_task": 1.0, "gpus_per_task": 0.25,
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"engine\.cpus_per_task"):
        compose("preprocess", [*words, "engine=ray", "engine.cpus_per_task=0"])
    with pytest.raises(UsageError, match=r"the name of an engine; found .spark"):
        compose("preprocess", [*words, "engine=spark"])
