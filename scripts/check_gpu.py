"""All that must hold on a GPU, in one run of at most eight minutes on one card.

    python scripts/check_gpu.py [--only PATTERN ...] [--device cpu]

A line per check: what, ok or FAILED, seconds, the figure.

    road         training (interrupted and resumed), evaluation, export and prediction, one system
                 per family
    forward      every system's outputs against the CPU's
    step         one training step of every system, its gradients finite
    graphs       every system's training passes replayed as CUDA graphs (a GPU alone)
    placement    no tensor of the CPU among those of a device (--device cpu alone)
    extraction   the extractors that run a network
    recognition  Whisper over many clips
    preprocess   a network that is fed from files
    key-sparse   its attention against the naive form, and its time beside others
    benchmark    scripts/benchmark_*.py, run short: docs/performance.md says what they measure

Ends with 0 when all hold, 1 when one fails, and 3 where there is no GPU; --device cpu makes the
same checks on the CPU. Nothing is downloaded and no film is decoded.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

FAILED, NO_GPU = 1, 3


class Check(NamedTuple):
    """``run(subject, folder, device)`` gives the figure, or raises."""

    kind: str
    subject: str
    run: Callable[..., str]

    @property
    def name(self) -> str:
        return f"{self.kind} {self.subject}"


def checks(device: str) -> Iterator[Check]:
    """The roads first: they are what a user does. Without a GPU it is also pretended that there is
    one.
    """
    from gpu_checks import (
        benchmarks,
        extraction,
        families,
        key_sparse,
        placement,
        preprocessing,
        recognition,
        replay,
        systems,
    )

    for family, system in families.FAMILIES.items():
        yield Check(f"road {family}", system, families.road)
    for kind, run in (("forward", systems.forward), ("step", systems.step)):
        yield from (Check(kind, name, run) for name in systems.system_names())
    if device == "cuda":
        yield from (Check("graphs", name, replay.replayed) for name in systems.system_names())
    if device == "cpu":
        yield from (
            Check("placement", name, placement.placement) for name in systems.system_names()
        )
    yield from (
        Check("extraction", name, extraction.extract) for name in extraction.extractor_names()
    )
    yield from (
        Check("preprocess", name, preprocessing.preprocessing) for name in preprocessing.PRECISIONS
    )
    yield from (Check("recognition", name, recognition.recognise) for name in recognition.MODELS)
    yield from (Check("key-sparse equal", name, key_sparse.agreement) for name in key_sparse.CASES)
    yield from (
        Check("key-sparse time", name, key_sparse.benchmark) for name in key_sparse.BENCHMARKS
    )
    yield from (Check("benchmark", name, benchmarks.run) for name in benchmarks.names(device))


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument(
        "--only", nargs="+", default=["*"], metavar="PATTERN", help="e.g. 'road *' 'forward mcsan'"
    )
    parser.add_argument(
        "--folder", type=Path, help="where caches and runs go (default: a temporary folder)"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failed check")
    options = parser.parse_args()
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        print(
            "check_gpu: no GPU that torch can use on this machine; --device cpu makes the same "
            "checks on the CPU"
        )
        return NO_GPU
    name = torch.cuda.get_device_name() if options.device == "cuda" else "the CPU"
    print(f"torch {torch.__version__} on {name}")
    chosen = [
        check
        for check in checks(options.device)
        if any(fnmatch(check.name, pattern) for pattern in options.only)
    ]
    with tempfile.TemporaryDirectory() as place, quietly():
        folder = options.folder or Path(place)
        start = time.monotonic()
        failed = [
            check.name
            for check in chosen
            if not passes(check, folder, torch.device(options.device), options.debug)
        ]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} hold, {time.monotonic() - start:.0f} s")
    for name in failed:
        print(f"FAILED: {name}")
    return FAILED if failed or not chosen else 0


@contextmanager
def quietly() -> Iterator[None]:
    """The table alone, and the lines of training."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def passes(check: Check, folder: Path, device: object, debug: bool) -> bool:
    """Run one check and print its row."""
    start, result = time.monotonic(), "ok"
    try:
        figure = check.run(check.subject, folder, device)
    except Exception as error:  # noqa: BLE001
        # Whatever it is, the check has failed and the others go on.
        result, figure = "FAILED", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        if debug:
            traceback.print_exc()
    print(f"{check.name:45} {result:7} {time.monotonic() - start:6.1f} s  {figure}", flush=True)
    return result == "ok"


if __name__ == "__main__":
    sys.exit(main())
