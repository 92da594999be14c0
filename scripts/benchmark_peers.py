"""mmser on a CPU beside what a user would pick instead, on one corpus: whole processes in turn.

    python scripts/benchmark_peers.py EMODB --folder DIR --audio PYTHON --nkululeko PYTHON
        --autrainer PYTHON [--rows ROW ...] [--rounds 1] [--threads N]

EMODB holds the recordings of EMO-DB's four classes (339 files, FLAC of 16 kHz). The peers lie in
environments of their own, whose interpreters are named; a row without its peer is measured without
that side:

    python -m venv DIR/audio && DIR/audio/bin/pip install opensmile librosa soundfile
    python -m venv DIR/nkululeko && DIR/nkululeko/bin/pip install nkululeko
    python -m venv DIR/autrainer && DIR/autrainer/bin/pip install "autrainer[opensmile]"

Bare loops of torch, torchaudio and transformers run in mmser's own environment, with the same
libraries as mmser. Seconds are those of the processor, of a process and all that it starts; MiB are
of the largest of them at its highest. Only ratios of one run mean anything. What is measured is
kept in DIR/results.json, so a run that was cut goes on where it was (--fresh begins anew).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "peers"
EMOTIONS = {"W": "anger", "F": "happiness", "T": "sadness", "N": "neutral"}
FEW_FILES = 57
FEW_EPOCHS, MANY_EPOCHS = 10, 110
OURS = "mmser"
PREPARING = "(preparing)"
"""The row of what is made, but not measured."""
PREPARE = [sys.executable, str(PEERS / "prepare.py")]


@dataclass(frozen=True)
class Job:
    """One process: the ``row`` and ``side`` it stands for, where it runs and what."""

    row: str
    side: str
    command: list[str]
    folder: Path
    fresh: tuple[Path, ...] = ()
    """What is removed before it."""

    @property
    def key(self) -> str:
        return f"{self.row} | {self.side}"


@dataclass(frozen=True)
class Peers:
    """The corpus, where everything is written, and the interpreters."""

    corpus: Path
    folder: Path
    audio: str | None
    nkululeko: str | None
    autrainer: str | None

    @property
    def few(self) -> Path:
        """A folder with the first files of the corpus."""
        return self.folder / "few"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "wav2vec2-base-random"


def mmser(peers: Peers, *words: str) -> list[str]:
    return [sys.executable, "-m", "mmser.cli", *words, f"cache={peers.folder / 'cache'}"]


def preprocess(peers: Peers, extractor: str, *words: str, root: Path | None = None) -> list[str]:
    source = ["corpus=emodb", f"corpus.root={root or peers.corpus}", f"extractors=[{extractor}]"]
    return mmser(peers, "preprocess", *source, *words)


def train(peers: Peers, *words: str) -> list[str]:
    corpus = ["corpus=emodb", f"corpus.root={peers.corpus}", "protocol=emodb4_speaker10"]
    stream = "streams.audio.extractor=egemaps_functionals"
    runs = f"paths.runs={peers.folder / 'runs'}"
    return mmser(peers, "train", *corpus, stream, runs, *words)


def loop(name: str, peers: Peers, python: str | None = None, *words: Any) -> list[str]:
    """A bare loop over the files of the corpus."""
    corpus = words[0] if words else peers.corpus
    place = peers.folder / name
    rest = map(str, words[1:])
    return [python or sys.executable, str(PEERS / f"{name}.py"), str(corpus), str(place), *rest]


def egemaps(peers: Peers) -> Iterator[Job]:
    """eGeMAPS functionals of all files."""
    row, folder = "eGeMAPS", peers.folder
    cache = folder / "cache"
    yield Job(row, OURS, preprocess(peers, "egemaps_functionals"), folder, (cache,))
    if peers.audio:
        yield Job(row, "opensmile's own loop", loop("opensmile_loop", peers, peers.audio), folder)
    if peers.autrainer:
        yield autrainer_features(peers, row, "eGeMAPSv02")


def scores(peers: Peers) -> Iterator[Job]:
    """From files to a leave-one-speaker-out score of a linear SVM, then once more."""
    folder = peers.folder
    words = ["system=functionals_svm", "solver.strength=0.01"]
    runs = folder / "runs"
    cold = (folder / "cache", runs)
    yield Job("score, cold", OURS, train(peers, *words), folder, cold)
    if peers.nkululeko:
        yield nkululeko(peers, "score, cold", (folder / "nkululeko" / "emodb",))
    yield Job("score, cached", OURS, train(peers, *words), folder, (runs,))
    if peers.nkululeko:
        yield nkululeko(peers, "score, cached", ())


def log_mel(peers: Peers) -> Iterator[Job]:
    """Log-mel spectrograms of all files."""
    row, folder = "log-mel", peers.folder
    ours = preprocess(peers, "log_mel")
    yield Job(row, OURS, ours, folder, (folder / "cache" / "emodb",))
    yield Job(row, "torchaudio loop", loop("torchaudio_loop", peers), folder)
    if peers.audio:
        yield Job(row, "librosa loop", loop("librosa_loop", peers, peers.audio), folder)
    if peers.autrainer:
        yield autrainer_features(peers, row, "log_mel_16k")


def wav2vec2(peers: Peers) -> Iterator[Job]:
    """wav2vec 2.0 of base size with random weights, on few files."""
    row, folder = f"wav2vec 2.0 base, {FEW_FILES} files", peers.folder
    weights = f"extractor.wav2vec2_base.weights={peers.checkpoint}"
    ours = preprocess(peers, "wav2vec2_base", weights, root=peers.few)
    yield Job(row, OURS, ours, folder, (folder / "cache" / "emodb",))
    bare = loop("transformers_loop", peers, None, peers.few, peers.checkpoint)
    yield Job(row, "bare transformers loop", bare, folder)


def network(peers: Peers) -> Iterator[Job]:
    """One hidden layer on functionals: few epochs and many, whose difference counts."""
    folder = peers.folder
    words = [
        "system=functionals",
        "model.head.hidden_sizes=[256]",
        "optimizer.lr=1e-3",
        "folds=['03']",
        "trainer.patience=null",
    ]
    table = folder / "functionals.npz"
    features = preprocess(peers, "egemaps_functionals")
    yield Job(PREPARING, "features", features, folder)
    kept = [*PREPARE, "functionals", str(folder / "cache"), str(table)]
    yield Job(PREPARING, "table", kept, folder)
    if peers.autrainer and not (folder / "autrainer" / "data" / "eGeMAPSv02").exists():
        yield autrainer_features(peers, PREPARING, "eGeMAPSv02")
    for epochs in (FEW_EPOCHS, MANY_EPOCHS):
        row = f"network, {epochs} epochs"
        ours = train(peers, *words, f"trainer.epochs={epochs}")
        yield Job(row, OURS, ours, folder, (folder / "runs",))
        bare = [sys.executable, str(PEERS / "torch_loop.py"), str(table), str(epochs)]
        yield Job(row, "bare torch loop", bare, folder)
        if peers.autrainer:
            yield autrainer_training(peers, row, epochs)


ROWS: dict[str, Callable[[Peers], Iterator[Job]]] = {
    "egemaps": egemaps,
    "scores": scores,
    "log_mel": log_mel,
    "wav2vec2": wav2vec2,
    "network": network,
}


def nkululeko(peers: Peers, row: str, fresh: tuple[Path, ...]) -> Job:
    """Features, a linear SVM and its score; features that are there are used again."""
    folder = peers.folder / "nkululeko"
    folder.mkdir(exist_ok=True)
    rows = [(str(path), path.name[:2], emotion) for path, emotion in labelled(peers.corpus)]
    write_csv(folder / "emodb.csv", ("file", "speaker", "emotion"), rows)
    text = (PEERS / "nkululeko.ini").read_text(encoding="utf-8").format(out=folder)
    (folder / "experiment.ini").write_text(text, encoding="utf-8")
    command = [str(peers.nkululeko), "-m", "nkululeko.nkululeko", "--config", "experiment.ini"]
    return Job(row, "nkululeko", command, folder, fresh)


def autrainer_place(peers: Peers, features: str, epochs: int) -> Path:
    """A folder from which autrainer works: its configs, the corpus and its table."""
    folder = peers.folder / "autrainer"
    shutil.copytree(PEERS / "autrainer", folder / "conf", dirs_exist_ok=True)
    dataset = folder / "conf" / "dataset" / "peer.yaml"
    named = (PEERS / "autrainer" / "dataset" / "peer.yaml").read_text(encoding="utf-8")
    dataset.write_text(named.replace("FEATURES", features), encoding="utf-8")
    config = folder / "conf" / "config.yaml"
    asked = config.read_text(encoding="utf-8").replace("iterations: 1", f"iterations: {epochs}")
    config.write_text(asked, encoding="utf-8")
    (folder / "data").mkdir(exist_ok=True)
    if not (folder / "data" / "default").exists():
        (folder / "data" / "default").symlink_to(peers.corpus.resolve())
    rows = [(path.name, emotion, int(path.name[:2])) for path, emotion in labelled(peers.corpus)]
    write_csv(folder / "data" / "metadata.csv", ("filename", "emotion", "speaker"), rows)
    return folder


def autrainer_features(peers: Peers, row: str, features: str) -> Job:
    folder = autrainer_place(peers, features, 1)
    made = folder / "data" / features
    return Job(row, "autrainer", autrainer(peers, "preprocess"), folder, (made,))


def autrainer_training(peers: Peers, row: str, epochs: int) -> Job:
    folder = autrainer_place(peers, "eGeMAPSv02", epochs)
    return Job(row, "autrainer", autrainer(peers, "train"), folder, (folder / "results",))


def autrainer(peers: Peers, command: str) -> list[str]:
    main = "import sys; from autrainer.core.scripts.cli import main; sys.exit(main())"
    return [str(peers.autrainer), "-c", main, command, "-cn", "config.yaml"]


def labelled(corpus: Path) -> list[tuple[Path, str]]:
    """The files of the corpus with their emotions, sorted."""
    files = sorted(corpus.resolve().rglob("*.flac"))
    return [(path, EMOTIONS[path.name[5]]) for path in files if path.name[5] in EMOTIONS]


def write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def prepare(peers: Peers, rows: list[str]) -> None:
    """What the loops need: few files, a checkpoint, folders."""
    for name in ("torchaudio_loop", "librosa_loop", "transformers_loop"):
        (peers.folder / name).mkdir(parents=True, exist_ok=True)
    peers.few.mkdir(exist_ok=True)
    for path, _ in labelled(peers.corpus)[:FEW_FILES]:
        if not (peers.few / path.name).exists():
            (peers.few / path.name).symlink_to(path)
    if "wav2vec2" in rows and not peers.checkpoint.exists():
        subprocess.run([*PREPARE, "checkpoint", str(peers.checkpoint)], check=True)


def measured(job: Job, threads: int | None) -> dict[str, float]:
    """Seconds of the processor and of the clock, and MiB, of one process."""
    for path in job.fresh:
        shutil.rmtree(path, ignore_errors=True)
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    environment["MPLBACKEND"] = "Agg"
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    log = job.folder / "last.log"
    begun = os.times().elapsed
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            job.command, cwd=job.folder, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{job.key} ended with {status}:\n{log.read_text(encoding='utf-8')[-2000:]}")
    return {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": os.times().elapsed - begun,
        "mib": usage.ru_maxrss / 1024,
    }


def print_table(results: dict[str, list[dict[str, float]]], peers: Peers) -> None:
    """Medians of the rounds, and what of each side's seconds mmser takes."""
    kept = {tuple(key.split(" | ")): runs for key, runs in results.items()}
    medians = {key: statistics.median(run["cpu"] for run in runs) for key, runs in kept.items()}
    print(f"{'row':30} {'side':24} {'CPU s':>8} {'MiB':>7} {'mmser takes':>12}")
    for (row, side), runs in kept.items():
        ours = medians.get((row, OURS))
        ratio = "" if ours is None or side == OURS else f"{ours / medians[row, side]:.2f}"
        mib = statistics.median(run["mib"] for run in runs)
        print(f"{row:30} {side:24} {medians[row, side]:8.2f} {mib:7.0f} {ratio:>12}")
    print_epochs(medians, peers)


def print_epochs(medians: dict[tuple[str, ...], float], peers: Peers) -> None:
    """ms of the processor for an utterance and an epoch of the small network."""
    files = [path.name[:2] for path, _ in labelled(peers.corpus)]
    learning = {
        # The tested speaker and the one that validates are left out of a fold.
        OURS: len(training_rows(peers)) or len(files),
        "bare torch loop": len(files),
        "autrainer": sum(speaker not in ("15", "16") for speaker in files),
    }
    few, many = f"network, {FEW_EPOCHS} epochs", f"network, {MANY_EPOCHS} epochs"
    for side, rows in learning.items():
        if (few, side) in medians and (many, side) in medians:
            seconds = (medians[many, side] - medians[few, side]) / (MANY_EPOCHS - FEW_EPOCHS)
            print(f"{'network, ms an utterance':30} {side:24} {1000 * seconds / rows:8.4f}")


def training_rows(peers: Peers) -> list[str]:
    """Utterances that the fold of the network learns from."""
    import pandas as pd

    for path in (peers.folder / "runs").glob("*/assignment.parquet"):
        table = pd.read_parquet(path)
        return list(table[(table["fold"] == "03") & (table["part"] == "train")]["id"])
    return []


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("audio", "nkululeko", "autrainer"):
        parser.add_argument(f"--{name}", metavar="PYTHON")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, help="OMP_NUM_THREADS of every side")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    interpreters = (options.audio, options.nkululeko, options.autrainer)
    peers = Peers(options.corpus.resolve(), folder, *interpreters)
    kept = folder / "results.json"
    results: dict[str, list[dict[str, float]]] = {}
    if kept.exists() and not options.fresh:
        results = json.loads(kept.read_text(encoding="utf-8"))
    prepare(peers, options.rows)
    for number in range(options.rounds):
        for row in options.rows:
            for job in ROWS[row](peers):
                if job.row == PREPARING:
                    measured(job, options.threads)
                    continue
                if len(results.get(job.key, ())) > number:
                    continue
                print(f"round {number + 1}: {job.key}", file=sys.stderr, flush=True)
                results.setdefault(job.key, []).append(measured(job, options.threads))
                kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print_table(results, peers)


if __name__ == "__main__":
    main()
