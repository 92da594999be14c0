"""The `mmser` command: parses words, calls one function, prints its table. Heavy libraries load in
the functions.
"""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mmser import __version__
from mmser.cache.command import add_cache_options
from mmser.core.disk import full_disk_named
from mmser.core.errors import MmserError, UsageError
from mmser.core.output import columns_text, end_without_reader
from mmser.core.printable import printable, printable_lines, without_formulas
from mmser.core.trust import trust
from mmser.evaluation.evaluation_commands import (
    add_ablate_options,
    add_compare_options,
    add_robustness_options,
)
from mmser.inference.command import add_options as add_predict_options
from mmser.late_fusion.command import add_options
from mmser.sharing.command import add_export_options, add_push_options

if TYPE_CHECKING:
    import pandas as pd

Handler = Callable[[argparse.Namespace], int]

OVERRIDES = (
    "Hydra overrides such as corpus=meld corpus.root=DIR trainer.epochs=5; see `mmser "
    "list` for the names."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when done, 1 when it failed, 2 for wrong usage."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that the terminal cannot show
    logging.basicConfig(level=logging.WARNING, handlers=[printable_lines()])
    logging.getLogger("mmser").setLevel(logging.INFO)
    trust(*options.trust)
    try:
        code = int(options.handler(options))
        sys.stdout.flush()  # a reader that has gone is noticed here
        return code
    except BrokenPipeError:
        return end_without_reader()
    except (MmserError, OSError) as error:
        if options.debug:
            raise
        print(
            printable(f"mmser {options.command}: {' '.join(str(error).split())}"), file=sys.stderr
        )
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print(
            f"mmser {options.command}: interrupted; the same command goes on from here",
            file=sys.stderr,
        )
        return 130


def build_parser() -> argparse.ArgumentParser:
    """One subparser per command; the handler of each stands below under its name."""
    parser = argparse.ArgumentParser(
        prog="mmser", description="Multimodal (speech, text, face) emotion recognition."
    )
    parser.add_argument("--version", action="version", version=f"mmser {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, handler: Handler, what: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.add_argument(
            "--trust",
            action="append",
            default=[],
            metavar="MODULE",
            help="saved configs may name it",
        )
        sub.set_defaults(handler=handler)
        return sub

    listed = command("list", list_, "what can be named in a command")
    listed.add_argument(
        "kind", nargs="?", help="corpora, protocols, extractors, fusions, objectives, systems, ..."
    )

    demo = command(
        "demo", demo_, "a small synthetic video corpus through the whole pipeline, with a report"
    )
    demo.add_argument(
        "overrides", nargs="*", metavar="out=DIR", help="where to write (default: demo)"
    )

    preprocess = command("preprocess", preprocess_, "videos -> modality caches, once")
    preprocess.add_argument("overrides", nargs="+", metavar="KEY=VALUE", help=OVERRIDES)

    add_cache_options(command("cache", cache_, "verify, describe or clean a cache"))

    train = command("train", train_, "train a system over folds and seeds, then score it")
    train.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help=OVERRIDES)
    train.add_argument(
        "--config", help="a saved run's config.yaml to repeat; overrides still apply"
    )
    train.add_argument(
        "--multirun", "-m", action="store_true", help="sweep: KEY=a,b runs every combination"
    )
    train.add_argument("--report", action="store_true", help="write the HTML report as well")

    evaluate = command("evaluate", evaluate_, "predict and score the test part of a run")
    words = (
        "run=DIR [condition=clean] [also=hypotheses|listeners|domains|frames] [normaliser=whisper]"
    )
    evaluate.add_argument("overrides", nargs="+", metavar="run=DIR", help=words)

    score = command("score", score_, "metrics of runs or of anyone's predictions (csv or parquet)")
    score.add_argument(
        "tables", nargs="+", metavar="TABLE", help="a run folder, a predictions table or a csv"
    )
    score.add_argument("--out", help="also write the scores to this csv")
    score.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="CLASS",
        help="score without these targets as well",
    )
    add_options(
        command(
            "fuse",
            fuse_,
            "late fusion: several models' predictions -> one, by frame or by utterance",
        )
    )

    report = command("report", report_, "one self-contained HTML file for one or more runs")
    report.add_argument("runs", nargs="+", metavar="RUN")
    report.add_argument(
        "--out", default=None, help="the file to write (default: report.html in the first run)"
    )

    add_robustness_options(
        command("robustness", robustness_, "real ASR, controlled word errors, noise, bad video")
    )
    add_ablate_options(
        command(
            "ablate", ablate_, "modalities taken away, at test and training time; parts exchanged"
        )
    )
    add_predict_options(
        command("predict", predict_, "emotions over time in a new video or sound file")
    )
    add_compare_options(
        command(
            "compare", compare_, "paired tests between runs, and the literature's figures beside"
        )
    )
    add_export_options(
        command("export", export_, "a trained run as a model folder for others, or as an ONNX file")
    )
    add_push_options(command("push", push_, "a model folder onto the Hugging Face Hub"))

    doctor = command("doctor", doctor_, "what this machine has and what is missing")
    doctor.add_argument("--weights", default="weights", help="the folder of checkpoints")
    return parser


def show(table: pd.DataFrame) -> None:
    """Print a table in full width, numbers with three decimals, absent values as a dash; "nothing"
    without rows.
    """
    text = table.to_string(index=False, float_format=lambda x: f"{x:.3f}", na_rep="-")
    print(printable(text) if len(table) else "nothing")


def print_scores(tables: Any, without: Sequence[str] = ()) -> pd.DataFrame:
    """Score runs or predictions tables and print them with what every name means; returns the
    scores.
    """
    from mmser.evaluation.scoring.meanings import scores_text
    from mmser.evaluation.scoring.score import score

    scores = score(tables, without=without)
    print(printable(scores_text(scores)))
    return scores


def keyed(overrides: Sequence[str], allowed: Sequence[str]) -> dict[str, str]:
    """Parse KEY=VALUE words of the commands that take a few fixed keys. Raises UsageError on any
    other word.
    """
    pairs = [word.partition("=") for word in overrides]
    wrong = [
        word
        for word, (key, sign, _) in zip(overrides, pairs, strict=True)
        if not sign or key not in allowed
    ]
    if wrong:
        raise UsageError(
            f"words of the form {', '.join(f'{key}=...' for key in allowed)}",
            wrong[0],
            "See --help.",
        )
    return {key: value for key, _, value in pairs}


def list_(options: argparse.Namespace) -> int:
    """`mmser list [KIND]`."""
    from mmser.catalogue import KINDS, catalogue

    if options.kind:
        print(printable(columns_text(catalogue(options.kind))))
        return 0
    for kind in KINDS:
        print(printable(f"{kind}: {', '.join(row['name'] for row in catalogue(kind)) or '(none)'}"))
    return 0


def demo_(options: argparse.Namespace) -> int:
    """`mmser demo [out=DIR]`."""
    from mmser.pipeline import demo

    report = demo(keyed(options.overrides, ["out"]).get("out", "demo"))
    print(printable(f"Report: {report}"))
    return 0


def preprocess_(options: argparse.Namespace) -> int:
    """`mmser preprocess corpus=... extractors=[...]`."""
    from mmser.pipeline import preprocess_config

    show(preprocess_config(options.overrides))
    return 0


def cache_(options: argparse.Namespace) -> int:
    """`mmser cache verify|info|gc DIR`; verify exits with 1 when anything is damaged."""
    from mmser.cache.command import cache

    table, well = cache(options)
    show(table)
    return int(not well)


def train_(options: argparse.Namespace) -> int:
    """`mmser train system=... corpus=...`."""
    from mmser.pipeline import sweep, train

    if options.multirun:
        sweep(options.overrides)
        return 0
    run = train(*options.overrides, config=options.config)
    print_scores(run.directory)
    print(printable(f"Run: {run.directory}"))
    if options.report:
        report_(argparse.Namespace(runs=[run.directory], out=None))
    return 0


def evaluate_(options: argparse.Namespace) -> int:
    """`mmser evaluate run=DIR [condition=...] [also=...]`."""
    from mmser.evaluation.evaluate import evaluate
    from mmser.evaluation.evaluation_commands import also
    from mmser.metrics.wer import PLAIN
    from mmser.training.run import Run

    words = keyed(options.overrides, ["run", "condition", "also", "normaliser"])
    if "run" not in words:
        raise UsageError(
            "run=DIR", "no run", "Name the run folder, e.g. mmser evaluate run=runs/NAME."
        )
    run = Run(words["run"])
    print_scores(evaluate(run, condition=words.get("condition", "clean")))
    if "also" in words:
        print(printable(also(run, words["also"], words.get("normaliser", PLAIN))))
    return 0


def score_(options: argparse.Namespace) -> int:
    """`mmser score TABLE...`."""
    table = print_scores(options.tables, options.without)
    if options.out:
        with full_disk_named(options.out):
            without_formulas(table).to_csv(options.out, index=False)
    return 0


def fuse_(options: argparse.Namespace) -> int:
    """`mmser fuse SOURCE...`."""
    from mmser.late_fusion.command import fuse

    print(printable(fuse(options)))
    return 0


def report_(options: argparse.Namespace) -> int:
    """`mmser report RUN...`."""
    from pathlib import Path

    from mmser.reports.report import report

    runs = [Path(run) for run in options.runs]
    print(
        printable(
            f"Report: {report(runs, Path(options.out) if options.out else runs[0] / 'report.html')}"
        )
    )
    return 0


def robustness_(options: argparse.Namespace) -> int:
    """`mmser robustness run=DIR [--asr ...] [--wer ...]`."""
    from mmser.evaluation.evaluation_commands import robustness

    print(printable(robustness(options)))
    return 0


def ablate_(options: argparse.Namespace) -> int:
    """`mmser ablate run=DIR [--train] [--rates ...] [--vary KEY=A,B]`."""
    from mmser.evaluation.evaluation_commands import ablate

    print(printable(ablate(options)))
    return 0


def predict_(options: argparse.Namespace) -> int:
    """`mmser predict run=DIR|FOLDER|hf:OWNER/NAME FILE...`; exits with 1 when a recording could not
    be judged.
    """
    from mmser.inference.command import predict

    return predict(options, lambda text: print(printable(text), flush=True))


def export_(options: argparse.Namespace) -> int:
    """`mmser export run=DIR --out FOLDER`."""
    from mmser.sharing.command import export

    print(printable(export(options)))
    return 0


def push_(options: argparse.Namespace) -> int:
    """`mmser push FOLDER OWNER/NAME`."""
    from mmser.sharing.command import push

    print(printable(push(options)))
    return 0


def compare_(options: argparse.Namespace) -> int:
    """`mmser compare RUN... [--published SYSTEM]`."""
    from mmser.evaluation.evaluation_commands import compare

    print(printable(compare(options)))
    return 0


def doctor_(options: argparse.Namespace) -> int:
    """`mmser doctor`; exits with 1 when something the main job needs is missing."""
    from mmser.doctor import doctor

    findings = doctor(options.weights)
    rows: list[dict[str, Any]] = [
        {"": "ok" if f.ok else "MISSING", "what": f.what, "found": f.found, "what to do": f.remedy}
        for f in findings
    ]
    print(printable(columns_text(rows)))
    return int(not all(finding.ok for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
