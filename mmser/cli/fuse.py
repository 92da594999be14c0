"""`mmser fuse`: its options, and which fusion they ask for. Imports nothing heavy until it runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.cache.atomic import written_aside
from mmser.cli.command import Command
from mmser.core.errors import UsageError
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `mmser fuse`; those of frame-level folders come first."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="one per model: a folder with a csv per recording (name;timestamp;arousal;...), or "
        "a predictions table or run folder",
    )
    parser.add_argument(
        "--method",
        choices=["svr", "ridge", "mean", "vote", "weighted", "logistic", "log_posterior"],
        help="default: svr; tables: mean. Folders know svr, ridge and mean, tables all but "
        "ridge; weighted: by validation.parquet of runs",
    )
    parser.add_argument(
        "--out", help="folders: where the fused files go; tables: the .parquet or .csv to write"
    )
    parser.add_argument(
        "--shared-only", action="store_true", help="leave out what some model lacks"
    )
    parser.add_argument(
        "--validation",
        nargs="+",
        default=[],
        metavar="TABLE",
        help="tables to fit weights or a stacker on",
    )
    parser.add_argument(
        "--gold", help="folder of label csvs; recordings without labels are predicted, not scored"
    )
    parser.add_argument(
        "--protocol", choices=["by_subject", "resubstitution"], default="by_subject"
    )
    parser.add_argument(
        "--subjects", help="csv with name;subject (or dyad): which recordings belong together"
    )
    parser.add_argument("--stages", type=int, default=5)
    parser.add_argument(
        "--contexts",
        type=int,
        nargs="+",
        default=[11, 13, 15, 17, 19],
        help="frames to either side",
    )
    parser.add_argument(
        "--costs", type=float, nargs="+", default=[0.001, 0.01, 0.1, 1.0], help="values of C to try"
    )
    parser.add_argument("--context-form", choices=["distinct", "released"], default="distinct")
    parser.add_argument(
        "--standardise", action="store_true", help="scale each input on the training frames"
    )
    parser.add_argument(
        "--rows", type=int, default=6000, help="evenly spaced frames that enter one fit, at most"
    )
    parser.add_argument("--folds", type=int, default=7, help="folds of by_subject")
    parser.add_argument(
        "--tolerance", type=int, default=20, help="frames that a model may lack of a recording"
    )


def run(options: argparse.Namespace) -> int:
    """Fuse, and print the scores.

    Sources are predictions tables when they are files or folders that hold one, else folders of
    frame-level files.
    """
    from mmser.metrics.predictions import FILE_NAME

    paths = [Path(source) for source in options.sources]
    tables = [path.is_file() or (path / FILE_NAME).is_file() for path in paths]
    if any(tables) and not all(tables):
        other = options.sources[tables.index(False)]
        raise UsageError(
            "either folders of csv files or predictions tables",
            f"a mixture: {other}",
            "Fuse one kind.",
        )
    text = _fuse_tables(options) if all(tables) else _fuse_folders(options)
    print(printable(text))
    return 0


def _fuse_folders(options: argparse.Namespace) -> str:
    """Concordance per attribute and stage under both protocols."""
    from mmser.late_fusion.folder_fusion import FRAME_METHODS, fuse_folders
    from mmser.late_fusion.fusion_summary import fusion_text, write_fusion
    from mmser.late_fusion.multistage import StageSettings

    method = _method(options.method or "svr", FRAME_METHODS, "frames")
    settings = StageSettings(
        stages=options.stages,
        contexts=tuple(options.contexts),
        costs=tuple(options.costs),
        loss="ridge" if method == "ridge" else "svr",
        form=options.context_form,
        standardise=options.standardise,
        rows=options.rows,
        folds=options.folds,
    )
    fusion = fuse_folders(
        options.sources,
        options.gold,
        method,  # type: ignore[arg-type]  # checked above
        options.protocol,
        settings,
        options.subjects,
        options.tolerance,
        options.shared_only,
    )
    text = fusion_text(fusion)
    if not options.out:
        return text
    return f"{text}\n\nFused files and summary: {write_fusion(fusion, options.out)}"


def _fuse_tables(options: argparse.Namespace) -> str:
    """Scores of every system, of their plain mean and of the fusion."""
    from mmser.late_fusion.system_scores import score_beside
    from mmser.late_fusion.table_fusion import TABLE_METHODS, fuse_tables

    method = _method(options.method or "mean", TABLE_METHODS, "tables")
    fused = fuse_tables(options.sources, method, options.validation, options.shared_only)  # type: ignore[arg-type]
    scores = score_beside(options.sources, fused, method, options.shared_only)
    text = scores.to_string(index=False, float_format=lambda x: f"{x:.3f}", na_rep="-")
    if not options.out:
        return text
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix not in (".csv", ".parquet"):
        raise UsageError("--out with the ending .parquet or .csv", options.out, "Name a file.")
    with written_aside(out) as aside:
        if out.suffix == ".csv":
            fused.to_csv(aside, index=False)
        else:
            fused.to_parquet(aside, index=False)
    return f"{text}\n\nFused predictions: {out}"


def _method(name: str, methods: tuple[str, ...], of: str) -> str:
    if name not in methods:
        raise UsageError(f"--method {', '.join(methods)} for {of}", name, "Choose one of them.")
    return name


COMMAND = Command(
    "fuse",
    "late fusion: several models' predictions -> one, by frame or by utterance",
    add_options,
    run,
)
