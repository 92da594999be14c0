import subprocess
from types import SimpleNamespace

import pytest

from mmser.runs.record import environment, git_revision


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(
        ["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True
    ).stdout


def test_the_revision_and_whether_files_differ_from_it(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one")
    revision = git(tmp_path, "rev-parse", "HEAD").strip()
    assert git_revision(tmp_path) == revision
    (tmp_path / "file").write_text("two")
    assert git_revision(tmp_path) == revision + "+"


def test_no_checkout_no_revision(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_revision(tmp_path) is None


@pytest.mark.parametrize("random", [True, False])
def test_one_random_extractor_marks_the_run(random):
    stores = {
        "audio": SimpleNamespace(info={"fingerprint": "a" * 12, "random_weights": False}),
        "face": SimpleNamespace(info={"fingerprint": "b" * 12, "random_weights": random}),
    }
    record = environment([3, 4], stores, "the CPU")
    assert record["random_weights"] is random
    assert record["caches"] == {"audio": "a" * 12, "face": "b" * 12}
    assert record["seeds"] == [3, 4] and record["device"] == "the CPU"
