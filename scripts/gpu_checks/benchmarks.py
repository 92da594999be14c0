"""The benchmarks of the speed of a GPU, run short: each must end well, and its table is printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

SCRIPTS = Path(__file__).parent.parent
LIMIT = 60
"""Seconds after which a benchmark counts as failed."""

BENCHMARKS = {
    "preprocess": ["--clips", "200", "--extractors", "mfcc40"],
    "encoders": ["--clips", "200", "--only", "wav2vec2 base"],
    "recognition": ["--clips", "64", "--alone", "4", "--model", "tiny.en"],
    "faces": ["--clips", "32", "--alone", "4"],
    "loop": ["--epochs", "12", "--only", "functionals"],
    "folds": ["--jobs", "8", "--epochs", "10", "--sequential", "2"],
    "step": ["--systems", "mcsan"],
}
"""Those of the key-sparse attention are checks of their own."""

SHORTEST = {
    "preprocess": ["--clips", "4", "--extractors", "mfcc40", "--precision"],
    "loop": ["--epochs", "2", "--only", "functionals"],
}
"""What the CPU, on which these measure nothing of a GPU, tries them with."""


def names(device: str) -> list[str]:
    """The benchmarks of a device."""
    return list(SHORTEST if device == "cpu" else BENCHMARKS)


def run(name: str, folder: Path, device: torch.device) -> str:
    """The table of one benchmark, a process of its own."""
    words = SHORTEST[name] if device.type == "cpu" else BENCHMARKS[name]
    script = SCRIPTS / f"benchmark_{name}.py"
    done = subprocess.run(
        [sys.executable, str(script), "--device", device.type, *words],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        cwd=folder,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-300:] or f"it ended with {done.returncode}")
    return "\n  " + "\n  ".join(done.stdout.strip().splitlines()[-12:])
