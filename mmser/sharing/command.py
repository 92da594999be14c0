"""`mmser export` and `mmser push`: their options and what they print. Imports nothing heavy until
they run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.core.errors import UsageError
from mmser.evaluation.evaluation_commands import run_of


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser export`."""
    parser.add_argument(
        "run", metavar="run=DIR", help="a run; for --onnx also a model folder or hf:owner/name"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="model folder to write: weights, config, transforms, card"
    )
    parser.add_argument("--onnx", metavar="FILE", help="ONNX file to write")
    parser.add_argument(
        "--fold", help="which fold (needed where there are several); all: together, to vote"
    )
    parser.add_argument("--seed", type=int, help="which seed")
    parser.add_argument(
        "--license", default="unknown", help="licence for the card, a word of the hub's list"
    )


def export(options: argparse.Namespace) -> str:
    """Write what was asked for; returns what is printed."""
    if not options.out and not options.onnx:
        raise UsageError("--out FOLDER or --onnx FILE", "neither", "Say what to write.")
    source, lines = run_of(options.run), []
    if options.out:
        from mmser.sharing.export import export

        folder = export(source, options.out, options.fold, options.seed, options.license)
        files = [path for path in folder.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        lines += [
            f"Model folder: {folder} ({len(files)} files, {size / 1e6:.1f} MB)",
            f"Card: {folder / 'README.md'}",
        ]
    if options.onnx:
        from mmser.sharing.onnx_export import export_onnx

        lines += [export_onnx(source, options.onnx, options.fold, options.seed).text()]
    return "\n".join(lines)


def add_push_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser push`."""
    parser.add_argument("folder", metavar="FOLDER", help="a model folder, from `mmser export`")
    parser.add_argument(
        "name", metavar="OWNER/NAME", help="the repository; made where there is none"
    )
    parser.add_argument("--private", action="store_true", help="make it private")
    parser.add_argument("--message", help="of the commit")


def push(options: argparse.Namespace) -> str:
    """Upload; returns what is printed."""
    from mmser.sharing.push import push

    address = push(Path(options.folder), options.name, options.private, options.message)
    return f"Pushed: {address}\nRead it by: mmser predict run=hf:{options.name} CLIP"
