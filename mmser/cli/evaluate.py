"""`mmser evaluate run=DIR [condition=...] [also=...]`, `... [run=DIR|model=...] corpus=...`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmser.cache.atomic import write_bytes, written_aside
from mmser.cli.command import Command, existing_run, keyed
from mmser.cli.scores import add_explain, print_groups, print_scores, print_speakers
from mmser.core.errors import UsageError
from mmser.core.file_names import file_name
from mmser.core.printable import printable, without_formulas
from mmser.metrics.wer import PLAIN
from mmser.runs.run_paths import VALIDATION

if TYPE_CHECKING:
    import pandas as pd

    from mmser.training.run import Run

MODEL, LABELS, TRANSCRIPT = "model=", "labels=", "transcript="
OWN = ("run=", "scale=", LABELS)
"""Words of an evaluation on another corpus that are no words of `mmser train`."""
SCALES = ("run", "own")
"""By whose statistics features are scaled: those of the run's training, or the other corpus's."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser evaluate`."""
    words = (
        "run=DIR [condition=clean] [also=hypotheses|listeners|domains|frames|validation|audformat] "
        "[also=submission split=Test3] [normaliser=whisper]"
    )
    model = (
        "; or a published emotion recogniser as it is: model=FOLDER (or owner/name@commit) "
        "corpus=NAME corpus.root=DIR [protocol=NAME] [labels={LABEL: name}] "
        "[transcript=RECOGNISER, for one that reads text]"
    )
    other = (
        "; or the run on another corpus: run=DIR corpus=NAME corpus.root=DIR [protocol=NAME] "
        "[labels={LABEL: CLASS}] [scale=run|own]"
    )
    parser.add_argument("overrides", nargs="+", metavar="run=DIR", help=words + other + model)
    add_explain(parser)


def run(options: argparse.Namespace) -> int:
    """Print the scores, and the by-products that are asked for."""
    models = [word for word in options.overrides if word.startswith(MODEL)]
    if models:
        return judge(models[-1].removeprefix(MODEL), options.overrides, options.explain)
    if any(word.startswith("corpus=") for word in options.overrides):
        return elsewhere(options.overrides, options.explain)
    words = keyed(options.overrides, ["run", "condition", "also", "normaliser", "split"])
    if "run" not in words:
        raise UsageError(
            "run=DIR", "no run", "Name the run folder, e.g. mmser evaluate run=runs/NAME."
        )
    existing_run(words["run"])
    from mmser.evaluation.evaluate import evaluate
    from mmser.training.run import Run

    trained = Run(words["run"])
    predictions = evaluate(trained, condition=words.get("condition", "clean"))
    print_scores(predictions, explain=options.explain, name=trained.directory.resolve().name)
    print_speakers([trained.directory])
    print_groups([trained.directory])
    if "also" in words:
        if words["also"] == "submission":
            print(printable(_submission(trained, words.get("split", "Test3"))))
        else:
            print(printable(also(trained, words["also"], words.get("normaliser", PLAIN))))
    return 0


def elsewhere(overrides: Sequence[str], explain: bool = False) -> int:
    """Score a run on another corpus, and print where its predictions lie."""
    taken = keyed([word for word in overrides if word.startswith(OWN)], ["run", "scale", "labels"])
    if "run" not in taken:
        raise UsageError("run=DIR corpus=NAME", "no run", "Name the run folder.")
    scale = taken.get("scale", SCALES[0])
    if scale not in SCALES:
        raise UsageError(f"scale={' or scale='.join(SCALES)}", scale, "See --help.")
    existing_run(taken["run"])
    from mmser.inference.judge import read_labels
    from mmser.pipeline.other_corpus import evaluate_other_corpus
    from mmser.training.run import Run

    words = [word for word in overrides if not word.startswith(OWN)]
    labels = read_labels(taken["labels"]) if "labels" in taken else {}
    run = Run(taken["run"])
    folder = evaluate_other_corpus(run, words, labels, own_scale=scale == SCALES[1])
    print_scores(folder, explain=explain)
    print(printable(f"Predictions: {folder}"))
    return 0


def judge(model: str, overrides: Sequence[str], explain: bool = False) -> int:
    """Score a published recogniser on a corpus, and print where its run lies."""
    from mmser.inference.judge import read_labels
    from mmser.pipeline.judge import evaluate_judge

    label_words = [word for word in overrides if word.startswith(LABELS)]
    labels = read_labels(label_words[-1].removeprefix(LABELS)) if label_words else {}
    transcripts = [word for word in overrides if word.startswith(TRANSCRIPT)]
    transcript = transcripts[-1].removeprefix(TRANSCRIPT) if transcripts else "corpus"
    words = [word for word in overrides if not word.startswith((MODEL, LABELS, TRANSCRIPT))]
    if not any(word.startswith("corpus=") for word in words):
        raise UsageError(
            "model=... corpus=NAME corpus.root=DIR",
            "no corpus",
            "Name one; `mmser list corpora` prints them.",
        )
    run = evaluate_judge(model, words, labels, transcript)
    print_scores(run.directory, explain=explain)
    print(printable(f"Run: {run.directory}"))
    return 0


def also(run: Run, what: str, normaliser: str = PLAIN) -> str:
    """Write what a run tells beside its scores to ``<run>/<what>.csv``.

    Returns a summary of it and the file's name. ``hypotheses``: what a model trained with CTC has
    understood, with its word error rates after ``normaliser`` (see `mmser.metrics.wer`);
    ``listeners``: how well a listener-adaptive one predicts single annotators; ``domains``: how far
    apart its corpora and genders lie in the fused vector; ``frames``: what it predicts at every
    frame, one csv per recording for `mmser fuse`; ``validation``: what it predicts of the
    validation splits, for `mmser fuse --method weighted`; ``audformat``: its predictions as a
    database of that format. Raises UsageError for another word.
    """
    if what == "frames":
        return _frames(run)
    if what == "validation":
        return _validation(run)
    if what == "audformat":
        return _audformat(run)
    from mmser.evaluation.byproducts.domain_distance import domain_distances
    from mmser.evaluation.byproducts.hypotheses import error_rates, hypotheses
    from mmser.evaluation.byproducts.listeners import listener_predictions, listener_scores

    if what == "hypotheses":
        table = hypotheses(run)
        shown = table[["id", "transcript", "hypothesis"]].head(5).to_string(index=False)
        summary = f"{shown}\n{error_rates(table, normaliser)}"
    elif what == "listeners":
        table = listener_predictions(run)
        classes = run.finished()[0].task.classes
        summary = _table_text(listener_scores(table, classes))
    elif what == "domains":
        table = domain_distances(run)
        summary = f"Proxy A-distance, 0 to 2:\n{_table_text(table)}"
    else:
        raise UsageError(
            "also=hypotheses, listeners, domains, frames, validation, audformat or submission",
            what,
            "Name one of them.",
        )
    path = run.directory / f"{what}.csv"
    write_bytes(path, without_formulas(table).to_csv(index=False).encode())
    return f"{summary}\n{len(table)} rows: {path}"


def _frames(run: Run) -> str:
    from mmser.evaluation.byproducts.frames import write_frames

    scores, folders = write_frames(run)
    text = _table_text(scores) if len(scores) else "No traced labels."
    places = " ".join(map(str, folders))
    return f"All frames of the test split together:\n{text}\nFor mmser fuse: {places}"


def _validation(run: Run) -> str:
    from mmser.evaluation.byproducts.validation_split import validation_predictions

    table = validation_predictions(run)
    path = run.directory / VALIDATION
    with written_aside(path) as aside:
        table.to_parquet(aside, index=False)
    return f"Predictions of the validation splits, {len(table)} rows: {path}"


def _audformat(run: Run) -> str:
    from mmser.evaluation.byproducts.audformat_database import run_database

    folder = run.directory / "audformat"
    tables = run_database(run.directory, run.manifest, folder)
    listed = ", ".join(f"{name} ({rows} rows)" for name, rows in tables.items())
    return f"Predictions in audformat, {listed}: {folder}"


def _submission(run: Run, released: str) -> str:
    """Predict a set without labels; write its predictions table and the challenge's file."""
    from mmser.evaluation.byproducts.msp_submission import submission
    from mmser.evaluation.byproducts.unlabelled import unlabelled_predictions

    table = unlabelled_predictions(run, released)
    rows = submission(table)
    predictions = run.directory / f"{file_name(released)}.parquet"
    with written_aside(predictions) as aside:
        table.to_parquet(aside, index=False)
    path = run.directory / f"submission-{file_name(released)}.csv"
    write_bytes(path, rows.to_csv(index=False).encode())
    return f"{len(rows)} utterances of {released}: {path}\nPredictions to fuse: {predictions}"


def _table_text(table: pd.DataFrame) -> str:
    return table.to_string(index=False, float_format=lambda number: f"{number:.3f}")


COMMAND = Command("evaluate", "predict and score the test split of a run", add_options, run)
