"""The thin mains do what they say, from the command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmser.cache.store import Store, find_store
from mmser.corpora.generic import Generic
from mmser.media.decode import decode_clips
from mmser.media.write import write_mp4

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "preprocess").glob("*.py"))


def run(name: str, *arguments: object, code: int = 0) -> str:
    command = [sys.executable, str(ROOT / "preprocess" / name), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """One video of two seconds with two turns, left and right, and a turn without its file's
    picture.
    """
    generator = np.random.default_rng(0)
    pictures = np.zeros((20, 64, 130, 3), np.uint8)
    pictures[:, :, 65:] = 250
    write_mp4(
        tmp_path / "in" / "talk.mp4",
        pictures,
        10.0,
        (generator.normal(size=32000) * 0.1).astype(np.float32),
    )
    write_mp4(tmp_path / "in" / "mute.mp4", pictures, 10.0, None)
    (tmp_path / "in" / "manifest.csv").write_text(
        "id,speaker,video_path,start,end,face_side,transcript\n"
        "a/1,a,talk.mp4,0.0,0.8,left,one\n"
        "b/2,b,talk.mp4,1.0,1.9,right,two\n"
        "c,b,mute.mp4,,,,three\n"
    )
    return tmp_path / "in"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_help_and_length(script: Path):
    assert "usage:" in run(script.name, "--help")
    assert len(script.read_text().splitlines()) < 80


def test_segment_makes_a_generic_corpus(corpus: Path, tmp_path: Path):
    said = run("segment.py", "generic", corpus, tmp_path / "out", "--frame-rate", 10)
    assert re.search(r"c\s+audio\s+no audio track", said)
    cut = {item.id: item for item in Generic(tmp_path / "out").utterances()}
    assert (
        list(cut) == ["a/1", "b/2", "c"]
        and cut["a/1"].start is None
        and cut["b/2"].transcript == "two"
    )
    assert cut["c"].audio_path is None
    whole = {item.id: item for item in Generic(corpus).utterances()}
    before = {
        clip.id: clip for clip in decode_clips([whole["a/1"], whole["b/2"]], True, True, 10.0)
    }
    for key, brightness in (("a/1", 0), ("b/2", 250)):
        clip = decode_clips([cut[key]], True, True, 10.0)[0]
        np.testing.assert_allclose(clip.waveform, before[key].waveform, atol=1e-4)
        assert (
            len(clip.frames) == len(before[key].frames)
            and abs(float(clip.frames.mean()) - brightness) < 8
        )


def test_build_and_verify(corpus: Path, tmp_path: Path):
    cache = tmp_path / "cache"
    said = run("build_cache.py", "generic", corpus, "words", "--cache", cache)
    assert re.search(r"words\s+3\s+0", said)
    assert len(Store(find_store(cache, "generic", "words"))) == 3
    assert "all as they were written" in run("verify_cache.py", cache)
    shard = next(cache.rglob("shard-*"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    assert "checksum differs" in run("verify_cache.py", cache, code=1)


def test_errors_are_one_line(tmp_path: Path):
    said = run(
        "build_cache.py", "generic", tmp_path / "nowhere", "words", "--cache", tmp_path, code=1
    )
    assert said.startswith("expected a manifest.csv") and len(said.splitlines()) == 1
    assert run("verify_cache.py", tmp_path / "nowhere", code=1).startswith("expected caches in")
