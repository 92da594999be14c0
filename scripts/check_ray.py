"""Preprocessing on a Ray cluster of this machine whose nodes are killed, against one process.

Two nodes, every service on the loopback address. While the corpus is computed one of the nodes is
killed at random moments and another one joins; then the driver itself is killed and begun again; a
last corpus holds a clip that kills whatever computes it. The cache must have the bytes of one
process's cache.

    python scripts/check_ray.py --kills 5 --seed 3        about three minutes on two cores
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Before Ray is imported: services on the loopback address alone, and no report of its use.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import numpy as np
from safetensors import SafetensorError, safe_open

from mmser.cache.find import find_store
from mmser.cache.store import Store
from mmser.core.clip import Clip, Features
from mmser.core.utterance import Utterance
from mmser.extraction.engines.ray_engine import RayEngine
from mmser.extraction.preprocess import preprocess

FILES, TURNS = 22, 10
KILLER = "r20t5"
PARTS = ("nodes", "deadly", "drivers")
STORE_BYTES = 256 * 2**20


class Recordings:
    """Recordings of ten short turns each; one is a text file, one does not exist."""

    name = "recordings"

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self) -> Recordings:
        """Make the files."""
        self.root.mkdir(parents=True, exist_ok=True)
        generator = np.random.default_rng(0)
        for number in range(FILES):
            samples = generator.integers(-9000, 9000, 16000).astype("<i2")
            with wave.open(str(self.root / f"{number}.wav"), "wb") as file:
                file.setparams((1, 2, 16000, 0, "NONE", ""))
                file.writeframes(samples.tobytes())
        (self.root / "5.wav").write_text("this is no recording")
        (self.root / "7.wav").unlink()
        return self

    def utterances(self) -> Iterator[Utterance]:
        """Turn by turn over all recordings: not the order of the files."""
        for turn in range(TURNS):
            for number in range(FILES):
                start = turn * 0.06
                yield Utterance(
                    id=f"r{number}t{turn}",
                    corpus=self.name,
                    speaker=str(number),
                    turn=turn,
                    transcript="a few words",
                    start=start,
                    end=start + 0.03 + 0.001 * turn,
                    audio_path=self.root / f"{number}.wav",
                )


class Companions:
    """Values that depend on the whole batch: the bytes agree only if the batches did.

    ``deadly`` ends the process that computes the killer.
    """

    modality = "audio"
    dtype = "float32"
    gives = "features"
    feature_size = 6
    version = 1
    sample_rate = 16_000
    checkpoint = None

    def __init__(self, pause: float = 0.0, deadly: bool = False) -> None:
        self.pause, self.deadly = pause, deadly

    def parameters(self) -> Mapping[str, Any]:
        """A worker keeps the extractors it has by their parameters."""
        return {"deadly": self.deadly}

    def extract(self, clips: Sequence[Clip]) -> list[Features]:
        """Slowly, so that there is time for a kill."""
        if self.deadly and any(clip.id == KILLER for clip in clips):
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.pause * len(clips))
        total = sum(float(np.abs(clip.waveform).sum()) for clip in clips)
        return [
            Features(np.outer(clip.waveform[::8], np.arange(6)) + total, 2000.0) for clip in clips
        ]


class Letters:
    """One number per letter of a transcript."""

    modality = "text"
    dtype = "int32"
    gives = "characters"
    feature_size = 1
    version = 1
    sample_rate = None
    checkpoint = None

    def parameters(self) -> Mapping[str, Any]:
        """Nothing that changes values."""
        return {}

    def extract(self, clips: Sequence[Clip]) -> list[Features]:
        """(letter, 1) for each clip."""
        return [
            Features(np.array([[ord(letter)] for letter in clip.transcript.text], np.int32))
            for clip in clips
        ]


def fill(root: Path, cache: Path, engine: RayEngine | None, **options: Any) -> None:
    """One preprocessing of the recordings."""
    made = {"companions": Companions(**options), "letters": Letters()}
    preprocess(
        Recordings(root),
        made,
        cache,
        workers=0 if engine else 1,
        progress=bool(engine),
        shard_bytes=60_000,
        engine=engine,
    )


def tree(cache: Path) -> dict[str, str]:
    """{relative path: digest} of every file."""
    files = sorted(path for path in cache.rglob("*") if path.is_file())
    return {
        str(path.relative_to(cache)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


class Nodes:
    """A cluster of this machine; the driver is at its head, and a second node may be killed."""

    def __init__(self) -> None:
        import ray
        from ray.cluster_utils import Cluster

        # GPUs in name alone: so sound is decoded by tasks of their own.
        has = {"num_cpus": 1, "num_gpus": 1, "object_store_memory": STORE_BYTES}
        self.options = {**has, "include_dashboard": False, "node_ip_address": "127.0.0.1"}
        self.cluster = Cluster(initialize_head=True, head_node_args=self.options)
        self.second = self.cluster.add_node(**self.options)
        logging.getLogger("ray").setLevel(logging.ERROR)
        ray.init(address=self.cluster.address, log_to_driver=False, configure_logging=False)
        self.lost = 0

    def kill_second(self) -> None:
        """SIGKILL for all processes of the second node; another node joins."""
        self.cluster.remove_node(self.second, allow_graceful=False)
        self.lost += 1
        self.second = self.cluster.add_node(**self.options)

    def close(self) -> None:
        import ray

        ray.shutdown()
        self.cluster.shutdown()


def strangers() -> list[str]:
    """Services of this process's children that listen elsewhere than on the loopback address."""
    import psutil

    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            listening = [
                each for each in process.net_connections(kind="inet") if each.status == "LISTEN"
            ]
        except psutil.Error:
            continue
        found += [
            f"{process.name()} at {each.laddr.ip}:{each.laddr.port}"
            for each in listening
            if "127.0.0.1" not in each.laddr.ip
        ]
    return found


def killed_nodes(nodes: Nodes, folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill the second node at random moments of one preprocessing."""
    generator, ended = random.Random(seed), threading.Event()

    engine = RayEngine(cpus_per_task=0.5, gpus_per_task=0.5)

    def work() -> None:
        try:
            fill(folder / "media", folder / "nodes", engine, pause=0.01 * (kills + 2))
        finally:
            ended.set()

    # Ray's nodes want to be begun in the main thread.
    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(kills):
        if ended.wait(generator.uniform(0.5, 3.0)):
            break
        nodes.kill_second()
    thread.join()
    return {"lost": nodes.lost, "same": tree(folder / "nodes") == tree(folder / "one")}


def killed_drivers(nodes: Nodes, folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill the command itself again and again; a last one comes through."""
    generator, killed, cache = random.Random(seed), 0, folder / "drivers"
    command = [sys.executable, __file__, "--fill", str(folder), nodes.cluster.address]
    stored = []
    for _ in range(kills):
        process = subprocess.Popen(command)
        while process.poll() is None and _stored(cache) == sum(stored):
            time.sleep(0.1)
        time.sleep(generator.uniform(0.0, 1.5))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        stored.append(_stored(cache) - sum(stored))
    fill(folder / "media", cache, RayEngine())
    return {"killed": killed, "stored": stored, "same": tree(cache) == tree(folder / "one")}


def _stored(cache: Path) -> int:
    """Utterances with sound that are on the disk, in parts or in shards."""
    count = 0
    for path in cache.glob("*/companions-*/*.safetensors"):
        with contextlib.suppress(OSError, SafetensorError), safe_open(path, "numpy") as file:
            count += sum(key.startswith("values:") for key in file.keys())  # noqa: SIM118
    return count


def deadly_clip(folder: Path) -> dict[str, Any]:
    """A clip that kills its workers is a row; the others have their values."""
    fill(folder / "media", folder / "deadly", RayEngine(), deadly=True)
    store = Store(find_store(folder / "deadly", Recordings.name, "companions"))
    whole = Store(find_store(folder / "one", Recordings.name, "companions"))
    row = store.index.set_index("id").loc[KILLER]
    others = [key for key in whole.ids if key != KILLER]
    letters = {name: made for name, made in tree(folder / "one").items() if "/letters-" in name}
    return {
        "row": str(row["error"]),
        "missing": sorted(set(others) - set(store.ids)),
        "letters": len(letters) > 1 and letters.items() <= tree(folder / "deadly").items(),
    }


def check(parts: Sequence[str], kills: int, seed: int) -> dict[str, Any]:
    """What each part found."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        Recordings(folder / "media").write()
        fill(folder / "media", folder / "one", None)
        nodes = Nodes()
        try:
            found["elsewhere"] = strangers()
            if "nodes" in parts:
                found["nodes"] = killed_nodes(nodes, folder, kills, seed)
            if "deadly" in parts:
                found["deadly"] = deadly_clip(folder)
            if "drivers" in parts:
                found["drivers"] = killed_drivers(nodes, folder, kills, seed)
        finally:
            nodes.close()
    return found


def is_fine(found: Mapping[str, Any]) -> bool:
    """Whether all is as it must be."""
    deadly = {"row": "worker died", "missing": [], "letters": True}
    return (
        not found["elsewhere"]
        and found.get("nodes", {"same": True})["same"]
        and found.get("deadly", deadly) == deadly
        and found.get("drivers", {"same": True})["same"]
    )


def main() -> int:
    """Print what was found as JSON; 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=5, help="of nodes, and of commands")
    parser.add_argument("--seed", type=int, default=3, help="of the moments")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--fill", nargs=2, metavar=("FOLDER", "ADDRESS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        folder = Path(options.fill[0])
        fill(folder / "media", folder / "drivers", RayEngine(options.fill[1]), pause=0.03)
        return 0
    found = check(options.only, options.kills, options.seed)
    print(json.dumps(found))
    return 0 if is_fine(found) else 1


if __name__ == "__main__":
    sys.exit(main())
