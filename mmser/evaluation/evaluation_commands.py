"""Options and printed results of the commands that question a trained run: `mmser ablate`,
`robustness`, `compare`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmser.cache.atomic import write_bytes
from mmser.core.errors import UsageError
from mmser.core.printable import without_formulas
from mmser.metrics.wer import NORMALISERS, PLAIN

if TYPE_CHECKING:
    from mmser.training.run import Run


def run_of(word: str) -> str:
    """The folder in ``run=DIR``. Raises UsageError for any other word."""
    key, sign, value = word.partition("=")
    if key != "run" or not sign or not value:
        raise UsageError("run=DIR", word, "Name the run folder, e.g. run=runs/NAME.")
    return value


def also(run: Run, what: str, normaliser: str = PLAIN) -> str:
    """What a run knows beside its scores, written to ``<run>/<what>.csv``: a summary of it and the
    file's name.

    ``hypotheses``: what a model trained with CTC has understood, with its word error rates after
    ``normaliser`` (see `mmser.metrics.wer`); ``listeners``: how well a listener-adaptive one
    predicts single annotators; ``domains``: how far apart its corpora and genders lie in the fused
    vector; ``frames``: what it predicts at every frame, one csv per recording for `mmser fuse`.
    Raises UsageError for another word.
    """
    if what == "frames":
        return _frames(run)
    from mmser.evaluation.byproducts.domain_distance import domain_distances
    from mmser.evaluation.byproducts.hypotheses import error_rates, hypotheses
    from mmser.evaluation.byproducts.listeners import listener_predictions, listener_scores

    if what == "hypotheses":
        table = hypotheses(run)
        shown = table[["id", "transcript", "hypothesis"]].head(5).to_string(index=False)
        summary = f"{shown}\n{error_rates(table, normaliser)}"
    elif what == "listeners":
        table = listener_predictions(run)
        classes = run.fold_data(*run.folds[0]).task.classes
        summary = listener_scores(table, classes).to_string(
            index=False, float_format=lambda x: f"{x:.3f}"
        )
    elif what == "domains":
        table = domain_distances(run)
        summary = (
            "Proxy A-distance, 0 to "
            f"2:\n{table.to_string(index=False, float_format=lambda x: f'{x:.3f}')}"
        )
    else:
        raise UsageError(
            "also=hypotheses, also=listeners, also=domains or also=frames",
            what,
            "Name one of them.",
        )
    path = run.directory / f"{what}.csv"
    write_bytes(path, without_formulas(table).to_csv(index=False).encode())
    return f"{summary}\n{len(table)} rows: {path}"


def _frames(run: Run) -> str:
    from mmser.evaluation.byproducts.frames import write_frames

    scores, folders = write_frames(run)
    told = (
        scores.to_string(index=False, float_format=lambda x: f"{x:.3f}")
        if len(scores)
        else "No traced labels."
    )
    return (
        f"All frames of the tested part together:\n{told}\nFor mmser fuse: "
        f"{' '.join(map(str, folders))}"
    )


def add_ablate_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser ablate`."""
    parser.add_argument("run", metavar="run=DIR")
    parser.add_argument(
        "--train", action="store_true", help="also train again with every smaller subset (costs)"
    )
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[], help="random absence per utterance, 0 to 1"
    )
    parser.add_argument("--draws", type=int, default=3, help="of random absence (default: 3)")
    parser.add_argument(
        "--remedy", type=float, help="also train again with modality dropout of this probability"
    )
    parser.add_argument(
        "--vary",
        nargs="+",
        default=[],
        metavar="KEY=A,B",
        help="also train again: fusion=concat,gated trainer.epochs=5,9",
    )


def ablate(options: argparse.Namespace) -> str:
    """The printed grid of `mmser ablate run=DIR`."""
    from mmser.evaluation.stress.ablation import ablate, grid_text

    run, vary = run_of(options.run), _varied(options.vary)
    return grid_text(ablate(run, options.train, options.rates, options.draws, options.remedy, vary))


def add_robustness_options(parser: argparse.ArgumentParser) -> None:
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
        "(kbit/s), clipping, speed, "
        "blur, occlusion, frame_rate (Hz), frame_loss, offset (s); with levels: white=10,0",
    )
    parser.add_argument("--noise-folder", help="16 kHz mono wav files for the kind folder")
    parser.add_argument("--workers", type=int, default=2, help="decoding processes (default: 2)")


def robustness(options: argparse.Namespace) -> str:
    """The printed table of `mmser robustness run=DIR`."""
    import pandas as pd

    from mmser.evaluation.stress.disturbances.acoustic_robustness import acoustic_robustness
    from mmser.evaluation.stress.robustness import robustness_text
    from mmser.evaluation.stress.words.asr_robustness import asr_robustness

    run, kinds = _run_with_files(options.run, options.files), _disturbed(options.disturb)
    tables = []
    if options.asr or options.wer or not kinds:
        asked = options.asr, options.wer, options.draws, options.retrain
        tables.append(asr_robustness(run, *asked, normaliser=options.normaliser))
    if kinds:
        tables.append(
            acoustic_robustness(run, kinds, options.noise_folder, workers=options.workers)
        )
    return robustness_text(pd.concat(tables, ignore_index=True))


def _run_with_files(word: str, words: Sequence[str]) -> Run:
    from mmser.evaluation.extractor_files import check_named, named_files
    from mmser.training.inputs.sources import open_stores
    from mmser.training.run import Run
    from mmser.training.stages import list_stages

    named, others = named_files(words)
    if others:
        raise UsageError(
            "extractor.NAME.weights=PATH", others[0], "`mmser robustness --help` lists the options."
        )
    run = Run(run_of(word), named)
    if named:
        stores = open_stores(list_stages(run.config)[-1].settings, run.recorded)
        check_named(named, [store.info for store in stores.values()])
    return run


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser compare`."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, or predictions tables")
    parser.add_argument(
        "--metric", default="ua", help="ua (default), wa, wf1, macro_f1, ccc_valence, ..."
    )
    parser.add_argument("--condition", default="clean", help="default: clean")
    parser.add_argument(
        "--published", metavar="SYSTEM", help="set the runs beside this system's published figures"
    )


def compare(options: argparse.Namespace) -> str:
    """The printed result of `mmser compare RUN...`."""
    from mmser.evaluation.scoring.compare import compare, compare_text
    from mmser.evaluation.scoring.published import beside_published, published_text

    parts = []
    if len(options.runs) > 1 or not options.published:
        parts.append(compare_text(compare(options.runs, options.metric, options.condition)))
    if options.published:
        parts += [
            f"{run}\n{published_text(*beside_published(run, options.published))}"
            for run in options.runs
        ]
    return "\n\n".join(parts)


def _disturbed(words: Sequence[str]) -> dict[str, list[float]]:
    kinds: dict[str, list[float]] = {}
    for word in words:
        kind, _, levels = word.partition("=")
        try:
            kinds[kind] = [float(level) for level in levels.split(",") if level]
        except ValueError as error:
            raise UsageError("--disturb KIND=LEVEL,LEVEL", word, "Levels are numbers.") from error
    return kinds


def _varied(words: Sequence[str]) -> dict[str, list[str]]:
    pairs = [word.partition("=") for word in words]
    vary = {key: value.split(",") for key, _, value in pairs}
    if not all(key and all(values) for key, values in vary.items()):
        raise UsageError("--vary KEY=A,B", " ".join(words), "Name a key and its values.")
    return vary
