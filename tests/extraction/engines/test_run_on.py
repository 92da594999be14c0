"""A corpus computed piece by piece elsewhere has the cache of one process, byte for byte."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmser.core.clip import Features, Transcript
from mmser.core.errors import MmserError
from mmser.core.utterance import Utterance
from mmser.extraction.engines import piece as pieces_of_work
from mmser.extraction.engines.attempts import NodeLost
from mmser.extraction.engines.piece import Piece, compute, decode
from mmser.extraction.engines.run_on import run_on
from mmser.extraction.preprocess import preprocess
from mmser.media.write import write_wav


class Loudness:
    """Depends on the whole batch."""

    modality = "audio"
    dtype = "float32"
    gives = "features"
    feature_size = 1
    version = 1
    sample_rate = 16_000
    checkpoint = None

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def parameters(self) -> dict[str, Any]:
        return {"factor": self.factor}

    def extract(self, clips):
        for clip in clips:
            clip.waveform[:1] += 0.0  # some libraries write into what they are given
        total = sum(float(np.abs(clip.waveform).sum()) for clip in clips)
        return [Features(clip.waveform[::80, None] * self.factor + total, 200.0) for clip in clips]


class Around:
    """Letters of the turns around an utterance, and its own."""

    modality = "text"
    dtype = "int32"
    gives = "characters"
    feature_size = 1
    version = 1
    sample_rate = None
    checkpoint = None
    turns = (1, 1)

    def parameters(self) -> dict[str, Any]:
        return {}

    def extract(self, clips):
        texts = [
            [turn.text for turn in (*clip.dialogue.before, *clip.dialogue.after)]
            + [clip.transcript.text]
            for clip in clips
        ]
        return [Features(np.array([[len(one)] for one in each], np.int32)) for each in texts]


class Hearing:
    name = "hearing"

    def parameters(self):
        return {}

    def transcribe(self, waveforms):
        return [Transcript("x" * (len(one) % 7 + len(waveforms)), self.name) for one in waveforms]


class Listed:
    name = "listed"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for at in range(134):
            if at != 70:
                write_wav(self.folder / f"{at}.wav", np.full(1600 + at, 0.1, np.float32))

    def utterances(self) -> Iterator[Utterance]:
        for at in range(134):
            path = self.folder / f"{at}.wav"
            yield Utterance(f"u{at}", self.name, "s", dialogue="d", turn=at, audio_path=path)


class Elsewhere:
    """Workers that know what is sent to them alone; a node is lost now and then."""

    slots, line = 3, "a cluster of a test"

    def __init__(self, apart: bool = False) -> None:
        self.apart = apart
        self._random = random.Random(2)
        self._waiting: dict[int, bytes] = {}

    def lend(self, maker: Any) -> bytes:
        return pickle.dumps(maker)

    def submit(self, piece: Piece) -> int:
        self._waiting[len(self._waiting)] = pickle.dumps(piece)
        return len(self._waiting) - 1

    def finished(self, tickets: list[int], seconds: float) -> list[int]:
        return self._random.sample(tickets, 1)

    def _done(self, ticket: int):
        if self._random.random() < 0.2:
            raise NodeLost("gone")
        piece = pickle.loads(self._waiting[ticket])  # noqa: S301
        clips = decode(piece) if self.apart else None
        for clip in clips if isinstance(clips, list) else ():
            if clip.waveform is not None:
                clip.waveform.flags.writeable = False  # as shared memory is
        return compute(piece, clips, pickle.loads)

    def report(self, ticket: int):
        return self._done(ticket)[0]

    def entries(self, ticket: int):
        return self._done(ticket)[1]

    def lacking(self) -> str:
        return ""


@pytest.fixture(autouse=True)
def fresh_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces_of_work, "_makers", {})


def files(cache: Path) -> dict[str, bytes]:
    found = [path for path in sorted(cache.rglob("*")) if path.is_file()]
    return {str(path.relative_to(cache)): path.read_bytes() for path in found}


@pytest.mark.parametrize("apart", [False, True])
def test_pieces_fill_the_cache_of_one_process(tmp_path: Path, apart: bool) -> None:
    (tmp_path / "media").mkdir()
    corpus = Listed(tmp_path / "media")

    def engine(plan, jobs, frame_rate, workers, shown, name) -> None:
        run_on(Elsewhere(apart), plan, jobs, frame_rate, shown, name)

    for cache, way in (("one", None), ("many", engine)):
        preprocess(
            corpus, {"loudness": Loudness(), "around": Around()}, tmp_path / cache,
            transcriber=Hearing(), progress=False, shard_bytes=50_000, engine=way,
        )  # fmt: skip
    one = files(tmp_path / "one")
    assert len([name for name in one if name.endswith(".safetensors")]) > 2
    assert files(tmp_path / "many") == one


def sent(corpus: Listed, cache: Path, change: Any) -> None:
    class Changed(Elsewhere):
        def submit(self, piece: Piece) -> int:
            return super().submit(change(piece))

    def engine(plan, jobs, frame_rate, workers, shown, name) -> None:
        run_on(Changed(), plan, jobs, frame_rate, shown, name)

    preprocess(corpus, {"loudness": Loudness()}, cache, progress=False, engine=engine)


def with_another_maker(piece: Piece) -> Piece:
    (order,) = piece.orders
    return replace(piece, orders=(replace(order, maker=pickle.dumps(Loudness(2.0))),))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: replace(p, seen=p.seen | {"/nowhere/1.wav"}), r"the corpus on every node: /now"),
        (lambda p: replace(p, version="0.0.7"), r"expected mmser 0\.0\.7 on every node"),
        (with_another_maker, r"loudness with the fingerprint \w+ on every node"),
    ],
)
def test_what_differs_on_a_node_is_told(tmp_path: Path, change: Any, message: str) -> None:
    (tmp_path / "media").mkdir()
    with pytest.raises(MmserError, match=message):
        sent(Listed(tmp_path / "media"), tmp_path / "cache", change)
