"""What a training step costs beside a bare torch loop over the same network.

    python scripts/benchmark_loop.py [--device cuda] [--epochs 30] [--only functionals gru]

Two small networks on made features of EMO-DB's size: one hidden layer on 88 functionals, and a
bidirectional GRU on 40 features at 100 Hz; batches of 32. Ours trains a whole fold (scaling,
length buckets, masks, scores of the validation split, tables, states); the bare loop has its
tensors ready, draws rows at random, pads the GRU's batches to their longest, counts the padding in,
and measures the recall of the validation split once an epoch. Milliseconds per utterance and epoch
without what comes before the first epoch; on the CPU, CPU time. Then what waited for the GPU in our
steps (--device cuda), or asked a tensor for its number.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from sklearn.metrics import recall_score
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils._python_dispatch import TorchDispatchMode

sys.path.insert(0, str(Path(__file__).parent))

import made_corpus

from mmser.settings.run import read_run
from mmser.training.fit import train
from mmser.training.inputs.corpora import build_corpora
from mmser.training.inputs.sources import assign_folds, open_fold, read_corpus_manifest
from mmser.training.loop.learner import Learner

BATCH, FOLD = 32, "s00"
SYSTEMS = {
    "functionals": ["system=functionals", "model.head.hidden_sizes=[128]"],
    "gru": ["system=audio_bigru", "encoders.audio.hidden_size=64"],
}


class Bare(nn.Module):
    """The same layers as ours, without masks."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.recurrence = None
        size = 88
        if name == "gru":
            self.recurrence = nn.GRU(40, 64, bidirectional=True, batch_first=True)
            size = 256
        self.layers = nn.Sequential(
            nn.Linear(size, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 7)
        )

    def forward(self, values: Tensor) -> Tensor:
        if self.recurrence is not None:
            sequence, _ = self.recurrence(values)
            values = torch.cat([sequence.mean(dim=1), sequence.std(dim=1)], dim=1)
        return self.layers(values)


def split_of(settings: dict[str, Any], split: str) -> tuple[list[Tensor], Tensor]:
    """The features of each utterance, scaled, and the classes."""
    run = read_run(settings)
    corpora = build_corpora(run)
    manifest = read_corpus_manifest(run.cache, corpora.names)
    assignment, _ = assign_folds(corpora, manifest)
    data = open_fold(run, corpora, manifest, assignment, FOLD, 0)
    samples = data.dataset(split)
    rows = [samples[0, row] for row in range(len(samples))]
    tracks = [torch.from_numpy(row.streams["audio"].values.copy()) for row in rows]
    return tracks, torch.tensor([int(row.targets["emotion"]) for row in rows])


class BareLoop:
    """What one writes first: random rows, a loss, a step, the recall after each epoch."""

    def __init__(self, name: str, settings: dict[str, Any], device: str) -> None:
        self.tracks, self.classes = split_of(settings, "train")
        self.tracks = [track.to(device) for track in self.tracks]
        checked, truth = split_of(settings, "validation")
        self.checked = pad_sequence(checked, batch_first=True).to(device)
        self.truth, self.classes = truth.to(device), self.classes.to(device)
        self.stacked = torch.cat(self.tracks) if name == "functionals" else None
        self.net = Bare(name).to(device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)

    def epoch(self) -> None:
        self.net.train()
        order = torch.randperm(len(self.classes), device=self.classes.device)
        summed = 0.0
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            loss = nn.functional.cross_entropy(self.net(self._batch(rows)), self.classes[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            summed += loss.item() * len(rows)
        self.net.eval()
        with torch.no_grad():
            logits = self.net(self.checked if self.stacked is None else self.checked[:, 0])
        guess = logits.argmax(dim=1).cpu()
        recall_score(self.truth.cpu(), guess, average="macro", zero_division=0)

    def _batch(self, rows: Tensor) -> Tensor:
        if self.stacked is not None:
            return self.stacked[rows]
        return pad_sequence([self.tracks[row] for row in rows.tolist()], batch_first=True)


class Clock:
    """CPU seconds on the CPU, else seconds until the device is done."""

    def __init__(self, device: str) -> None:
        self.device = device

    def __call__(self) -> float:
        if self.device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()


def ours(folder: Path, name: str, device: str, epochs: int, run: str) -> dict[str, Any]:
    words = [f"trainer.epochs={epochs}", "trainer.patience=null", f"folds=[{FOLD}]"]
    place = f"trainer.accelerator={'gpu' if device == 'cuda' else device}"
    return made_corpus.settings_of(folder, run, *SYSTEMS[name], *words, place)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def compare(folder: Path, name: str, device: str, epochs: int) -> None:
    clock = Clock(device)
    bare = BareLoop(name, ours(folder, name, device, 1, "unused"), device)
    rows = len(bare.classes)
    bare.epoch()
    found = []
    for turn in range(2):
        start = clock()
        for _ in range(epochs):
            bare.epoch()
        spent_bare = clock() - start
        spent = []
        for length in (3, 3 + epochs):
            settings = ours(folder, name, device, length, f"{name}-{turn}-{length}")
            with silence():
                start = clock()
                train(settings)
                spent.append(clock() - start)
        each = 1000 / epochs / rows
        found.append((spent_bare * each, (spent[1] - spent[0]) * each))
    for bare_ms, our_ms in found:
        print(
            f"{name:12} ms per utterance and epoch: bare {bare_ms:.4f}  ours {our_ms:.4f}"
            f"  ratio {our_ms / bare_ms:.2f}",
            flush=True,
        )


class Numbers(TorchDispatchMode):
    """Counts where a tensor was asked for its numbers, by the line of ours that asked."""

    ASKING = ("_local_scalar_dense", "nonzero", "is_nonzero")

    def __init__(self) -> None:
        super().__init__()
        self.lines: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(func.name().startswith(f"aten::{name}") for name in self.ASKING):
            self.lines[_line()] += 1
        return func(*args, **(kwargs or {}))


def _line() -> str:
    """The innermost line of ours on the stack."""
    for frame in reversed(traceback.extract_stack()):
        if "/mmser/" in frame.filename:
            return f"{frame.filename.rsplit('/mmser/', 1)[1]}:{frame.lineno} {frame.line}"
    return "outside"


def waits(folder: Path, name: str, device: str) -> None:
    """Print what each step and each check waited for, by line."""
    steps: list[int] = []
    inside: Counter[str] = Counter()
    outside: Counter[str] = Counter()
    original = Learner.training_step

    def counted(self: Learner, batch: Any, index: int) -> Tensor:
        steps.append(index)
        return original(self, batch, index)

    def shown(message: Any, *_: Any, **__: Any) -> None:
        if "synchroniz" in str(message):
            stack = "".join(frame.name for frame in traceback.extract_stack())
            (outside if "_check" in stack or "_step" not in stack else inside)[_line()] += 1

    settings = ours(folder, name, device, 3, f"{name}-waits")
    with silence(), patch.object(Learner, "training_step", counted):
        if device == "cpu":
            with Numbers() as numbers:
                train(settings)
            inside = numbers.lines
        else:
            with warnings.catch_warnings(), patch.object(warnings, "showwarning", shown):
                warnings.simplefilter("always")
                torch.cuda.set_sync_debug_mode("warn")
                train(settings)
                torch.cuda.set_sync_debug_mode("default")
    print(f"{name}: {sum(inside.values())} waits in {len(steps)} steps; outside {outside.total()}")
    for what, lines in (("step", inside), ("else", outside)):
        for line, count in lines.most_common(12):
            print(f"  {what} {count:4} {line[:100]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--only", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            # A fifth of them for the network over time, whose epochs are longer.
            epochs = options.epochs if name == "functionals" else max(1, options.epochs // 5)
            compare(Path(folder), name, options.device, epochs)
            waits(Path(folder), name, options.device)


if __name__ == "__main__":
    main()
