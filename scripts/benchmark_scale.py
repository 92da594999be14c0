"""What a store of a million utterances costs: filling, resuming, opening, preprocessing again, an
epoch's order, and the memory of the processes that read samples.

    python scripts/benchmark_scale.py [--rows 1000000] [--folder DIR] [--only PART ...]

The corpus is made: recordings of 200 turns each, one shard to a recording; the features are tiny,
since the index is measured and not the disk. Each part is a process of its own and prints its
figures: seconds of the processor, MiB at the highest (less what an interpreter with the same
imports has), and the same per million rows, so that a run of fewer rows shows whether a cost grows
faster than they do. A folder that is named is kept and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmser.core.clip import Clip, Features
from mmser.core.utterance import Utterance

NAME, SIZE, STEPS = "made", 4, 2
RATE = 50.0
PARTS = ("fill", "resume", "open", "again", "epoch", "workers")
Figures = dict[str, float | str]


@dataclass(frozen=True)
class Tone:
    """An extractor of nothing in particular."""

    modality: ClassVar[str] = "audio"
    gives: ClassVar[str] = "steps"
    feature_size: ClassVar[int] = SIZE
    dtype: ClassVar[str] = "float16"
    version: ClassVar[int] = 1
    sample_rate: ClassVar[int] = 16000
    checkpoint: ClassVar[None] = None

    def parameters(self) -> Mapping[str, Any]:
        return {}

    def extract(self, clips: Sequence[Clip]) -> list[Features]:
        return [features(clip.id) for clip in clips]


def features(identifier: str) -> Features:
    """Values of an utterance: two steps of its number."""
    return Features(np.full((STEPS, SIZE), int(identifier[-7:]) % 97, np.float16), RATE)


class Made:
    """``rows`` utterances in ``files`` recordings, of 100 speakers."""

    name = NAME

    def __init__(self, folder: Path, rows: int, files: int) -> None:
        self.folder, self.rows, self.files = folder, rows, files

    def write(self) -> None:
        """The recordings: a tenth of a second each, all of them different."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.files):
            path = self.folder / f"{number:05d}.wav"
            if not path.exists():
                samples = np.full(1600, number % 30_000, "<i2")
                with wave.open(str(path), "wb") as file:
                    file.setparams((1, 2, 16000, 0, "NONE", ""))
                    file.writeframes(samples.tobytes())

    def utterances(self) -> Iterator[Utterance]:
        turns = -(-self.rows // self.files)
        for row in range(self.rows):
            file, turn = divmod(row, turns)
            yield Utterance(
                id=f"Session{file % 5}_dialog{file:05d}_{row:07d}",
                corpus=NAME,
                speaker=f"speaker{file % 100:02d}",
                dialogue=f"dialog{file:05d}",
                turn=turn,
                start=turn * 0.25,
                end=turn * 0.25 + 0.25,
                transcript=f"these are the words of turn {row}",
                audio_path=self.folder / f"{file:05d}.wav",
                emotion=("anger", "joy", "sadness", "neutral")[row % 4],
            )


@dataclass(frozen=True)
class Listed:
    """The same utterances, listed already."""

    listed: Sequence[Utterance]
    name: ClassVar[str] = NAME

    def utterances(self) -> Iterator[Utterance]:
        return iter(self.listed)


@dataclass(frozen=True)
class Place:
    """Where the made corpus and its cache lie."""

    folder: Path
    rows: int
    shards: int

    @property
    def corpus(self) -> Made:
        return Made(self.folder / "media", self.rows, self.shards)

    @property
    def cache(self) -> Path:
        return self.folder / f"cache-{self.rows}-{self.shards}"

    @property
    def store(self) -> Path:
        from mmser.cache.layout import store_directory

        recipe = self.recipe
        return store_directory(self.cache, NAME, recipe.name, "", recipe.fingerprint)

    @property
    def recipe(self) -> Any:
        from mmser.cache.fingerprint import recipe_of

        return recipe_of("tone", Tone())  # type: ignore[arg-type]


def cpu() -> float:
    """Seconds of the processor that this process has taken."""
    return time.process_time()


def peak() -> float:
    """MiB of memory at the highest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(place: Place) -> Figures:
    """Every utterance into the store, a shard a commit, the end left out: see `resume`."""
    from mmser.cache.entry import Entry
    from mmser.cache.layout import shard_name
    from mmser.cache.writer import open_writer
    from mmser.extraction.content import Contents

    corpus = place.corpus
    corpus.write()
    listed = list(corpus.utterances())
    digests = Contents().of(listed, "audio")
    turns = -(-place.rows // place.shards)
    seconds, written = [], []
    before = peak()
    with open_writer(place.store, place.recipe, shard_bytes=1) as writer:
        for number, at in enumerate(range(0, len(listed), turns)):
            entries = [
                Entry(each.id, digests[each.id], features(each.id))
                for each in listed[at : at + turns]
                if not writer.is_stored(each.id, digests[each.id])
            ]
            begun, bytes_before = cpu(), bytes_written()
            writer.add(entries)
            # A shard is written beside what follows: waited for, its bytes count where they belong.
            while entries and not (place.store / shard_name(number)).exists():
                time.sleep(0.001)
            seconds.append(cpu() - begun)
            written.append(bytes_written() - bytes_before)
    # A step ends the commit of the one before; the first has none to end.
    everything = sum(seconds)
    del seconds[:1], written[:1]
    tenth = max(1, len(seconds) // 10)
    return {
        "CPU s of all commits": everything,
        "ms a commit, first tenth": 1000 * float(np.mean(seconds[:tenth])),
        "ms a commit, last tenth": 1000 * float(np.mean(seconds[-tenth:])),
        "bytes a commit, first tenth": float(np.mean(written[:tenth])),
        "bytes a commit, last tenth": float(np.mean(written[-tenth:])),
        "MiB more for the rows": peak() - before,
    }


def bytes_written() -> int:
    """Bytes that this process has handed to the operating system to write."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def resume(place: Place) -> Figures:
    """The store is opened to go on, its pieces put together, and it is finished."""
    import pyarrow.parquet  # noqa: F401

    from mmser.cache.writer import open_writer

    before, begun = peak(), cpu()
    with open_writer(place.store, place.recipe) as writer:
        opened = cpu() - begun
        writer.finish()
        rows = len(writer.rows)
    return {
        "rows": rows,
        "CPU s to open it with its pieces": opened,
        "CPU s to finish": cpu() - begun - opened,
        "MiB more": peak() - before,
    }


def opening(place: Place) -> Figures:
    """The finished store, beside the time in which pyarrow reads the same file."""
    import pandas  # noqa: F401
    import pyarrow.parquet as pq

    from mmser.cache.store import Store

    index = place.store / "index.parquet"
    before = resident()
    begun = cpu()
    store = Store(place.store)
    figures: Figures = {"CPU s, the first time": cpu() - begun, "MiB more": resident() - before}
    figures["MiB more at the highest"] = peak() - before
    ours, theirs = [], []
    for _ in range(5):
        begun = cpu()
        pq.read_table(index, page_checksum_verification=True)
        theirs.append(cpu() - begun)
        begun = cpu()
        Store(place.store)
        ours.append(cpu() - begun)
    identifiers = store.ids[:: max(1, place.rows // 50_000)]
    begun = cpu()
    for identifier in identifiers:
        store.length(identifier)
    figures["microseconds a row asked for"] = 1e6 * (cpu() - begun) / len(identifiers)
    return figures | {
        "CPU s": float(np.median(ours)),
        "CPU s of pyarrow alone": float(np.median(theirs)),
        "ratio": float(np.median(ours) / np.median(theirs)),
    }


def resident() -> float:
    """MiB of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def again(place: Place) -> Figures:
    """`mmser preprocess` where nothing is to be done; listing the corpus is not counted."""
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from mmser.extraction.preprocess import preprocess

    corpus = Listed(list(place.corpus.utterances()))
    before, begun, clock = peak(), cpu(), time.perf_counter()
    table = preprocess(corpus, {"tone": Tone()}, place.cache, progress=False)  # type: ignore[dict-item]
    row = table.iloc[0]
    return {
        "CPU s": cpu() - begun,
        "s": time.perf_counter() - clock,
        "MiB more than the utterances": peak() - before,
        "MiB of the utterances": before,
        "done": float(row["done"]),
    }


def epoch(place: Place) -> Figures:
    """Batches of about equal length, and at random: what one epoch's order costs."""
    from mmser.cache.store import Store
    from mmser.data.samplers import PlannedBatches, every_row, length_plan, random_plan

    store = Store(place.store)
    ids = list(store.ids)
    figures: Figures = {}
    begun = cpu()
    lengths = np.asarray(store.lengths(ids), float)
    figures["CPU s for all lengths, once"] = cpu() - begun
    plans = {
        "by length": length_plan(every_row(len(ids)), lengths, 32),
        "at random": random_plan(every_row(len(ids)), 32),
    }
    before = peak()
    for name, plan in plans.items():
        sampler = PlannedBatches(plan)
        taken = []
        for number in range(3):
            sampler.set_epoch(number)
            begun = cpu()
            rows = sum(map(len, sampler)), len(sampler)
            taken.append(cpu() - begun)
        if rows != (len(ids), -(-len(ids) // 32)):
            raise RuntimeError(f"{rows} of {len(ids)} rows")
        figures[f"CPU s an epoch, {name}"] = float(np.median(taken))
    return figures | {"MiB more": peak() - before}


def workers(place: Place, count: int = 2, epochs: int = 3) -> Figures:
    """Processes that read samples in random order: their own memory after each epoch."""
    from torch.utils.data import DataLoader

    from mmser.cache.store import Store
    from mmser.data.dataset import Facts, SplitDataset
    from mmser.data.sample_memory import MEMORY_LIMIT
    from mmser.data.samplers import PlannedBatches, every_row, random_plan
    from mmser.data.spec import StreamSpec
    from mmser.data.transforms import Transforms

    store = Store(place.store)
    ids = store.ids
    rows = np.zeros(len(ids), np.int64)
    speakers = tuple(f"speaker{row % 100}" for row in range(100)) * (len(ids) // 100 + 1)
    facts = Facts(
        ids,
        (None,) * len(ids),
        speakers[: len(ids)],
        rows,
        rows,
        rows,
        np.full(len(ids), np.nan),
        {"emotion": rows},
    )
    dataset = SplitDataset(
        facts,
        {"audio": store},
        {"audio": StreamSpec("tone")},
        Transforms(),
        memory=MEMORY_LIMIT // count,
    )
    sampler = PlannedBatches(random_plan(every_row(len(ids)), 256))
    loader: Any = DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_sampler=sampler,
        collate_fn=len,
        num_workers=count,
        persistent_workers=True,
        multiprocessing_context="fork",
    )
    figures: Figures = {"MiB of the process that starts them": proportional(os.getpid())}
    for number in range(epochs):
        sampler.set_epoch(number)
        begun = time.perf_counter()
        iterator = iter(loader)
        if sum(iterator) != len(ids):
            raise RuntimeError("an epoch without all rows")
        own = [proportional(worker.pid) for worker in iterator._workers]
        figures[f"MiB a worker after epoch {number + 1}"] = float(np.mean(own))
        figures[f"s of epoch {number + 1}"] = time.perf_counter() - begun
    return figures


def proportional(pid: int) -> float:
    """MiB of anonymous memory of a process, what it shares divided among those that share it."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    facts = dict(line.split(":", 1) for line in lines[1:])
    return int(facts["Pss_Anon"].split()[0]) / 1024


def run_part(name: str, place: Place) -> Figures:
    """The figures of one part, made in this process."""
    parts: dict[str, Callable[[Place], Figures]] = {
        "fill": fill,
        "resume": resume,
        "open": opening,
        "again": again,
        "epoch": epoch,
        "workers": workers,
    }
    return parts[name](place)


def in_a_process(name: str, place: Place) -> Figures:
    """The same made in a process of its own."""
    words = ["--rows", place.rows, "--shards", place.shards, "--folder", place.folder]
    command = [sys.executable, __file__, "--part", name, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=0, help="default: one for 200 rows")
    parser.add_argument("--folder", type=Path, help="default: a temporary folder")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    shards = options.shards or max(1, options.rows // 200)
    if options.part:
        print(json.dumps(run_part(options.part, Place(options.folder, options.rows, shards))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        place = Place(options.folder or Path(temporary), options.rows, shards)
        print(f"{options.rows:,} rows in {shards:,} shards", flush=True)
        for name in options.only:
            if name == "fill" and (place.store / "info.json").exists():
                print("fill: the store is there already")
                continue
            for what, value in in_a_process(name, place).items():
                print(f"{name:8} {what:45} {value:14,.2f}", flush=True)


if __name__ == "__main__":
    main()
