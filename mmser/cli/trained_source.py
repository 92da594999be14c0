"""The trained system that `mmser predict` and `mmser app` are given: options, and opening it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmser.cli.command import run_of
from mmser.core.errors import UsageError

if TYPE_CHECKING:
    from mmser.extraction.extractor_files import Named
    from mmser.inference.judge import Judge
    from mmser.inference.recogniser import Recogniser

MODEL, LABELS = "model=", "labels="


def add_run(parser: argparse.ArgumentParser) -> None:
    """The word that names it."""
    parser.add_argument(
        "run",
        metavar="run=DIR",
        help="a run, a model folder, or hf:owner/name[@revision]; model=FOLDER or "
        "model=owner/name@commit: a published emotion recogniser as it is (labels={LABEL: name})",
    )


def add_opening(parser: argparse.ArgumentParser) -> None:
    """Which of its models, and what they read through."""
    parser.add_argument(
        "--asr", help="recogniser for runs that read text: pocketsphinx, whisper-base, ..."
    )
    parser.add_argument(
        "--weights", help="folder of the extractors' pretrained weights (default: the run's)"
    )
    parser.add_argument(
        "--window", type=float, default=5.0, help="seconds, where there is no speech to go by"
    )
    parser.add_argument(
        "--fold", help="the models of this fold alone, e.g. the one that has not heard a speaker"
    )
    parser.add_argument("--seed", type=int, help="the models of this seed alone")


@dataclass(frozen=True, slots=True)
class Words:
    """Words after the run: extractors' files, ``labels={...}``, and ``rest``."""

    extractor_files: Named
    labels: tuple[str, ...]
    rest: tuple[str, ...]


def split_words(words: Sequence[str]) -> Words:
    """What the words say. Raises UsageError for an extractor's word of another form."""
    from mmser.extraction.extractor_files import named_files

    extractor_files, others = named_files(list(words))
    labels = tuple(word for word in others if word.startswith(LABELS))
    return Words(extractor_files, labels, tuple(word for word in others if word not in labels))


def check_window(options: argparse.Namespace) -> None:
    """Raise UsageError for a window that is none."""
    if not options.window > 0:
        raise UsageError("--window above 0 s", f"{options.window:g}", "Leave it out for 5 s.")


def open_recogniser(options: argparse.Namespace, words: Words) -> Recogniser:
    """Open what the options name. Raises MmserError where it cannot be."""
    from mmser.inference.recogniser import load

    recogniser = load(
        _judge(options, words.labels) or run_of(options.run),
        weights=options.weights,
        named_files=words.extractor_files,
        fold=options.fold,
        seed=options.seed,
    )
    # A recogniser that is missing is an error of all recordings, not of the first.
    recogniser.transcriber(options.asr)
    return recogniser


def _judge(options: argparse.Namespace, label_words: Sequence[str]) -> Judge | None:
    """The published recogniser that ``model=`` names; None for a run."""
    if not options.run.startswith(MODEL):
        if label_words:
            raise UsageError(
                "labels={...} of model=", f"{label_words[0]} of a run", "Leave it out."
            )
        return None
    from mmser.inference.judge import Judge, read_labels

    labels = read_labels(label_words[-1].removeprefix(LABELS)) if label_words else {}
    return Judge(options.run.removeprefix(MODEL), options.weights or "weights", labels)
