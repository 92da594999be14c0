"""`mmser robustness run=DIR [--asr ...] [--wer ...] [--disturb ...]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmser.cli.command import Command, run_of
from mmser.core.errors import UsageError
from mmser.core.printable import printable
from mmser.metrics.wer import NORMALISERS, PLAIN

if TYPE_CHECKING:
    from mmser.training.run import Run


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser robustness`."""
    parser.add_argument("run", metavar="run=DIR")
    parser.add_argument(
        "files", nargs="*", metavar="extractor.NAME.weights=PATH", help="where its weights lie now"
    )
    parser.add_argument(
        "--asr",
        nargs="+",
        default=[],
        metavar="NAME",
        help="recognisers: pocketsphinx whisper-base",
    )
    parser.add_argument(
        "--retrain", action="store_true", help="also train again on each recogniser's words (costs)"
    )
    parser.add_argument(
        "--wer",
        type=float,
        nargs="+",
        default=[],
        help="controlled word error rates: 0.1 0.2 0.4 0.6",
    )
    parser.add_argument(
        "--draws", type=int, default=3, help="of controlled word errors (default: 3)"
    )
    parser.add_argument(
        "--normaliser",
        default=PLAIN,
        choices=NORMALISERS,
        help="of the recognisers' word error rates: plain (numbers as written) or Whisper's for "
        "English",
    )
    parser.add_argument(
        "--disturb",
        nargs="+",
        default=[],
        metavar="KIND[=A,B]",
        help="white pink babble folder (dB), reverberation (s), band (Hz), telephone, opus "
        "(kbit/s), clipping, speed, blur, occlusion, frame_rate (Hz), frame_loss, offset (s); "
        "with levels: white=10,0",
    )
    parser.add_argument("--noise-folder", help="16 kHz mono wav files for the kind folder")
    parser.add_argument("--workers", type=int, default=2, help="decoding processes (default: 2)")


def run(options: argparse.Namespace) -> int:
    """Print the scores under every disturbance that is asked for."""
    import pandas as pd

    from mmser.evaluation.stress.disturbances.acoustic_robustness import acoustic_robustness
    from mmser.evaluation.stress.robustness import robustness_text
    from mmser.evaluation.stress.words.asr_robustness import asr_robustness

    trained, kinds = _run_with_files(options.run, options.files), _disturbed(options.disturb)
    tables = []
    if options.asr or options.wer or not kinds:
        asked = options.asr, options.wer, options.draws, options.retrain
        tables.append(asr_robustness(trained, *asked, normaliser=options.normaliser))
    if kinds:
        tables.append(
            acoustic_robustness(trained, kinds, options.noise_folder, workers=options.workers)
        )
    print(printable(robustness_text(pd.concat(tables, ignore_index=True))))
    return 0


def _run_with_files(word: str, words: Sequence[str]) -> Run:
    from mmser.extraction.extractor_files import check_named, named_files
    from mmser.training.inputs.sources import open_stores
    from mmser.training.run import Run

    named, others = named_files(words)
    if others:
        raise UsageError(
            "extractor.NAME.weights=PATH", others[0], "`mmser robustness --help` lists the options."
        )
    trained = Run(run_of(word), named)
    if named:
        stores = open_stores(trained.settings, trained.corpora.names, trained.recorded)
        check_named(named, [store.info for store in stores.values()])
    return trained


def _disturbed(words: Sequence[str]) -> dict[str, list[float]]:
    kinds: dict[str, list[float]] = {}
    for word in words:
        kind, _, levels = word.partition("=")
        try:
            kinds[kind] = [float(level) for level in levels.split(",") if level]
        except ValueError as error:
            raise UsageError("--disturb KIND=LEVEL,LEVEL", word, "Levels are numbers.") from error
    return kinds


COMMAND = Command(
    "robustness", "real ASR, controlled word errors, noise, bad video", add_options, run
)
