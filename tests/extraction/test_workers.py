"""Extractors in the worker processes: the same bytes, and what becomes of clips over which a
worker dies.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from makers.deadly_extractor import Deadly

from mmser.cache.store import Store
from mmser.core.clip import Features
from mmser.core.utterance import Utterance
from mmser.extraction import running
from mmser.extraction.preprocess import preprocess
from mmser.extraction.stages import Stages
from mmser.extraction.work import described, made
from mmser.extractors.audio.mfcc import Mfcc
from mmser.extractors.audio.waveform import Waveform
from mmser.media.write import write_wav

NOISE = np.random.default_rng(0).normal(size=48_000) * 0.1


class Wavs:
    name = "listed"

    def __init__(self, folder: Path, names: list[str]) -> None:
        folder.mkdir(exist_ok=True)
        self.listed = []
        for number, name in enumerate(names):
            path = folder / f"{name}.wav"
            write_wav(path, NOISE[: 16_000 + 997 * number].astype(np.float32))
            self.listed.append(Utterance(name, self.name, "s", audio_path=path))

    def utterances(self):
        return iter(self.listed)


def files(cache: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(cache)): path.read_bytes()
        for path in sorted(cache.rglob("*"))
        if path.is_file()
    }


def test_the_cache_of_many_processes_is_that_of_one(tmp_path: Path) -> None:
    corpus = Wavs(tmp_path / "wavs", [f"u{number}" for number in range(20)])
    corpus.listed.append(Utterance("gone", "listed", "s", audio_path=tmp_path / "gone.wav"))
    extractors = {"mfcc": Mfcc(), "fast": Mfcc(sample_rate=22_050), "sound": Waveform()}
    for workers in (0, 2):
        preprocess(corpus, extractors, tmp_path / str(workers), workers=workers, progress=False)
    assert files(tmp_path / "0") == files(tmp_path / "2")


FORKED = """
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from mmser.core.clip import Features
from mmser.core.utterance import Utterance
from mmser.extraction import running
from mmser.extraction.preprocess import preprocess
from mmser.extractors.audio.mfcc import Mfcc
from mmser.media import forked, decoder

class Wavs:
    name = "listed"
    def utterances(self):
        paths = sorted(Path(sys.argv[1]).glob("*.wav"))
        return (Utterance(path.stem, "listed", "s", audio_path=path) for path in paths)

def no_program(*arguments, **options):
    raise AssertionError("a process from nothing")

decoder.subprocess.Popen = no_program
assert forked.may_fork()
for workers in (0, 2):
    cache = Path(sys.argv[2]) / str(workers)
    preprocess(Wavs(), {"mfcc": Mfcc()}, cache, workers=workers, progress=False)
assert "torch" not in sys.modules and "scipy.signal" not in sys.modules
"""


def test_forks_give_the_same_cache_without_loading_torch(tmp_path: Path) -> None:
    Wavs(tmp_path / "wavs", [f"u{number}" for number in range(20)])
    command = [sys.executable, "-c", FORKED, str(tmp_path / "wavs"), str(tmp_path)]
    subprocess.run(command, check=True)
    assert files(tmp_path / "0") == files(tmp_path / "2")


def results(tmp_path: Path, names: list[str]) -> dict[str, str]:
    """{utterance: its failure, "" for none}."""
    extractor = Deadly(str(tmp_path / "mark"), home=os.getpid())
    table = preprocess(
        Wavs(tmp_path / "wavs", names),
        {"deadly": extractor},
        tmp_path / "cache",
        workers=2,
        max_failures=1.0,
        progress=False,
    )
    index = Store(table.directory[0]).index
    assert list(index.id) == names
    return {
        row.id: f"{row.error}: {row.detail}" if row.status == "failed" else ""
        for row in index.itertuples()
    }


def test_a_clip_that_kills_every_worker_fails_alone(tmp_path: Path) -> None:
    found = results(tmp_path, ["a", "b", "crash", "c", "broken", "d"])
    killed = "worker died: over its extractor: ended by SIGKILL"
    unusual = "extractor error: ValueError: an unusual clip"
    assert found == {"a": "", "b": "", "crash": killed, "c": "", "broken": unusual, "d": ""}


def test_a_worker_that_is_killed_once_costs_nothing(tmp_path: Path) -> None:
    assert results(tmp_path, ["a", "once", "b"]) == {"a": "", "once": "", "b": ""}
    assert (tmp_path / "mark").exists()


def test_a_mistake_in_an_extractor_is_raised_here(tmp_path: Path) -> None:
    corpus = Wavs(tmp_path / "wavs", ["a", "mistake"])
    with pytest.raises(TypeError, match="a mistake in the extractor"):
        preprocess(corpus, {"deadly": Deadly()}, tmp_path / "cache", workers=1, progress=False)


def test_an_extractor_travels_by_its_class_and_arguments() -> None:
    extractor = Mfcc(bands=64, coefficients=20, clip=3.5)
    description = described(extractor)
    assert description is not None and made(description) == extractor

    class Local(Mfcc):
        pass

    assert described(Local()) is None


def test_the_stage_that_is_waited_for_is_told() -> None:
    stages = Stages()
    with stages.waiting("decoding"):
        sum(range(100_000))
    assert stages.shares["decoding"] > 0.5 and stages.shares["writing"] == 0
    assert str(stages).startswith("waited for decoding")
    stages.media_seconds = 10.0
    assert "x real time; waited for" in str(stages)


class Interrupted:
    """Ctrl-C over one clip, once."""

    modality, gives, dtype, version, sample_rate = "audio", "features", "float32", 1, 16_000
    checkpoint, feature_size = None, 1
    again = False

    def parameters(self):
        return {"extractor": "interrupted"}

    def extract(self, clips):
        if not self.again and any(clip.id == "u130" for clip in clips):
            self.again = True
            raise KeyboardInterrupt
        return [Features(clip.waveform[:100].reshape(-1, 1)) for clip in clips]


def test_an_interruption_leaves_whole_chunks_and_the_next_run_goes_on(tmp_path: Path) -> None:
    corpus = Wavs(tmp_path / "wavs", ["u0"])
    path = corpus.listed[0].audio_path
    corpus.listed = [Utterance(f"u{n}", "listed", "s", audio_path=path) for n in range(140)]
    for number, item in enumerate(corpus.listed):
        corpus.listed[number] = replace(item, start=number / 1000, end=number / 1000 + 0.5)
    extractor = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        preprocess(corpus, {"it": extractor}, tmp_path / "a", workers=2, progress=False)
    (store,) = (tmp_path / "a" / "listed").glob("it-*/")
    # Closing wrote what was held.
    assert sorted(path.name for path in store.glob("part-*")) == [
        "part-00000-000000.safetensors",
        "part-00000-000001.safetensors",
    ]
    assert not list(store.glob("*.tmp"))
    preprocess(corpus, {"it": extractor}, tmp_path / "a", workers=2, progress=False)
    preprocess(corpus, {"it": extractor}, tmp_path / "b", workers=0, progress=False)
    assert files(tmp_path / "a") == files(tmp_path / "b")


class Uneven:
    """The first chunks take longest, as on a GPU whose batches differ."""

    modality, gives, dtype, version, sample_rate = "audio", "features", "float32", 1, 16_000
    checkpoint, feature_size = None, 1
    calls = 0

    def parameters(self):
        return {"extractor": "uneven"}

    def extract(self, clips):
        self.calls += 1
        time.sleep(max(0.0, 0.2 - 0.02 * self.calls))
        return [Features(clip.waveform[:50].reshape(-1, 1)) for clip in clips]


def test_chunks_that_are_computed_side_by_side_are_written_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Wavs(tmp_path / "wavs", ["u0"])
    path = corpus.listed[0].audio_path
    corpus.listed = [
        Utterance(f"u{n}", "listed", "s", audio_path=path, start=n / 1000, end=n / 1000 + 0.2)
        for n in range(330)
    ]
    preprocess(corpus, {"it": Uneven()}, tmp_path / "a", workers=0, progress=False)
    monkeypatch.setattr(running, "_device_of", lambda jobs: "cuda")
    monkeypatch.setattr(running._Line, "_own_stream", lambda line: nullcontext())
    preprocess(corpus, {"it": Uneven()}, tmp_path / "b", workers=2, progress=False)
    assert files(tmp_path / "a") == files(tmp_path / "b")
