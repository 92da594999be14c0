"""Shares of a plan, and what a merge of them refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmser.cache.find import find_store
from mmser.cache.store import Store
from mmser.core.clip import Features, Transcript
from mmser.core.errors import MmserError, UsageError
from mmser.core.share import Share
from mmser.core.utterance import Utterance
from mmser.extraction.merge import merge
from mmser.extraction.plan import CHUNK, planned
from mmser.extraction.preprocess import preprocess
from mmser.extraction.shares import share_of
from mmser.media.write import write_wav


class Letters:
    """One number per letter; texts without any fail."""

    modality = "text"
    dtype = "int32"
    gives = "characters"
    feature_size = 1
    version = 1
    sample_rate = None
    checkpoint = None

    def __init__(self, shift: int = 0) -> None:
        self.shift = shift

    def parameters(self) -> dict[str, int]:
        return {"shift": self.shift}

    def extract(self, clips):
        return [
            Features(np.array([[ord(x) + self.shift] for x in clip.transcript.text], np.int32))
            for clip in clips
        ]


class Around(Letters):
    """How many letters an utterance's neighbours have."""

    turns = (1, 1)

    def extract(self, clips):
        return [
            Features(
                np.array(
                    [[len(t.text)] for t in (*clip.dialogue.before, *clip.dialogue.after)], np.int32
                )
            )
            for clip in clips
        ]


class Hearing:
    """A recogniser whose words tell how many are heard at once."""

    name = "hearing"

    def parameters(self):
        return {}

    def transcribe(self, waveforms):
        return [Transcript("x" * (len(one) % 7 + len(waveforms)), self.name) for one in waveforms]


class Listed:
    name = "listed"

    def __init__(self, utterances: list[Utterance]) -> None:
        self.listed = utterances

    def utterances(self):
        return iter(self.listed)


def spoken(count: int = 3 * CHUNK - 20, **facts) -> list[Utterance]:
    """Every 50th has no words."""
    return [
        Utterance(f"u{at}", "listed", "s", transcript="" if at % 50 == 7 else f"word {at}", **facts)
        for at in range(count)
    ]


def run(cache: Path, share: Share | None, utterances=None, **extractors) -> None:
    made = extractors or {"letters": Letters()}
    preprocess(Listed(utterances or spoken()), made, cache, progress=False, share=share)


def in_shares(cache: Path, count: int = 3) -> None:
    for number in range(count, 0, -1):
        run(cache, Share(number, count))


def files(cache: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(cache)): path.read_bytes()
        for path in cache.rglob("*")
        if path.is_file() and "shards" not in path.relative_to(cache).parts
    }


def share_folder(cache: Path, number: int, count: int = 3) -> Path:
    return cache / "shards" / f"{number}-of-{count}" / "listed"


def store_of(cache: Path, number: int) -> Path:
    (store,) = share_folder(cache, number).glob("letters-*")
    return store


def test_every_utterance_is_in_one_share_and_no_file_in_two() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.uniform(1, 20, 1000)
    plan = planned(
        [
            Utterance(f"u{at}", "c", "s", audio_path=Path(f"{at}.wav"), start=0.0, end=length)
            for at, length in enumerate(lengths)
        ]
    )
    shares = [share_of(plan, Share(number, 5)) for number in range(1, 6)]
    assert [u.id for share in shares for u in share] == [u.id for u in plan]
    seconds = [sum(u.end - u.start for u in share) for share in shares]
    # A cut lies at a chunk's end: half a chunk of about 670 s at most from where it should.
    assert max(abs(each - lengths.sum() / 5) for each in seconds) < 700
    assert [len(share_of(plan[:70], Share(number, 3))) for number in (1, 2, 3)] == [0, 64, 6]


def test_a_cut_falls_between_files_where_one_is_near() -> None:
    # One file of 320 utterances, then files of 64: 384 lies between two of them, 192 near no end.
    plan = [
        Utterance(f"u{at}", "c", "s", audio_path=Path("a" if at < 320 else f"{at // 64}"))
        for at in range(768)
    ]
    ends = [len(share_of(plan, Share(1, count))) for count in (2, 4)]
    assert ends == [384, 192]
    near = [replace(u, audio_path=Path("a" if at < 320 else "b")) for at, u in enumerate(plan)]
    assert len(share_of(near, Share(1, 2))) == 320


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "1/3/5", " 1/3"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected shard=NUMBER/COUNT, such as 3/16"):
        Share.parse(text)


def test_shares_merge_to_the_cache_of_one_process_failures_too(tmp_path: Path) -> None:
    run(tmp_path / "one", None)
    in_shares(tmp_path / "many", 5)
    table = merge(tmp_path / "many", progress=False)
    assert table[["shards", "done", "failed"]].values.tolist() == [[5, 168, 4]]
    assert files(tmp_path / "many") == files(tmp_path / "one")


def test_a_share_hears_the_turns_around_it_as_one_process_does(tmp_path: Path) -> None:
    utterances = []
    for at, utterance in enumerate(spoken(2 * CHUNK + 9, dialogue="d")):
        path = tmp_path / f"{at}.wav"
        write_wav(path, np.full(1600 + at, 0.1, np.float32))
        utterances.append(replace(utterance, audio_path=path, turn=at))
    made = {"around": Around(), "letters": Letters()}
    for share in (None, Share(2, 3), Share(1, 3), Share(3, 3)):
        preprocess(
            Listed(utterances), made, tmp_path / ("one" if share is None else "many"),
            transcriber=Hearing(), progress=False, share=share,
        )  # fmt: skip
    merge(tmp_path / "many", progress=False)
    assert files(tmp_path / "many") == files(tmp_path / "one")


def test_the_store_of_a_share_is_no_store_of_the_corpus(tmp_path: Path) -> None:
    in_shares(tmp_path)
    with pytest.raises(MmserError, match=r"found shard 2/3 of it\. Put all shards together"):
        find_store(tmp_path / "shards" / "2-of-3", "listed", "letters")
    with pytest.raises(MmserError, match="no cache at all"):
        find_store(tmp_path, "listed", "letters")
    merge(tmp_path, progress=False)
    assert len(Store(find_store(tmp_path, "listed", "letters"))) == 168


def unfinished(cache: Path) -> None:
    info = store_of(cache, 2) / "info.json"
    info.write_text(json.dumps(json.loads(info.read_text()) | {"complete": False}))


def other_recipe(cache: Path) -> None:
    shutil.rmtree(store_of(cache, 2))
    run(cache, Share(2, 3), letters=Letters(shift=1))


def copied(cache: Path) -> None:
    shutil.rmtree(share_folder(cache, 2))
    shutil.copytree(share_folder(cache, 3), share_folder(cache, 2))


def twice(cache: Path) -> None:
    info = store_of(cache, 3) / "info.json"
    info.write_text(info.read_text().replace('"3/3"', '"2/3"'))
    shutil.rmtree(store_of(cache, 2))
    store_of(cache, 3).rename(share_folder(cache, 2) / store_of(cache, 3).name)
    run(cache, Share(3, 3))


def other_corpus(cache: Path) -> None:
    shutil.rmtree(share_folder(cache, 2))
    run(cache, Share(2, 3), spoken()[:-1])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda cache: shutil.rmtree(share_folder(cache, 2)), r"finished shard 2/3 .* no such fol"),
        (unfinished, r"finished shard 2/3 .* one that is unfinished.*shard=2/3`, again"),
        (other_recipe, r"one recipe of letters .*shift=0.*shift=1"),
        (copied, r"expected shard 2/3 of a corpus in .*; found shard 3/3"),
        (twice, r"utterances of shard 2/3 alone .*u128, in the corpus twice"),
        (other_corpus, r"one manifest of listed in all shards"),
        (lambda cache: run(cache, Share(1, 2)), r"one division .* 2 shards and 3 shards"),
        (lambda cache: shutil.rmtree(store_of(cache, 2)), r"a store letters-.*; found none in"),
        (lambda cache: shutil.rmtree(cache / "shards"), r"expected shards in .*; found none"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    in_shares(tmp_path)
    spoil(tmp_path)
    with pytest.raises(MmserError, match=message):
        merge(tmp_path, progress=False)
    assert files(tmp_path) == {}
