"""`mmser export run=DIR --out FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmser.cli.command import Command, run_of
from mmser.core.errors import UsageError
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser export`."""
    parser.add_argument(
        "run", metavar="run=DIR", help="a run; for --onnx also a model folder or hf:owner/name"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", help="model folder to write: weights, config, transforms, card"
    )
    parser.add_argument("--onnx", metavar="FILE", help="ONNX file to write")
    parser.add_argument(
        "--space",
        metavar="FOLDER",
        help="folder of a Hugging Face Space to write: the page of `mmser app` with this model",
    )
    parser.add_argument("--asr", help="recogniser of the Space, for runs that read text")
    parser.add_argument(
        "--weights", help="folder of pretrained weights, which the Space is given a copy of"
    )
    parser.add_argument(
        "--fold", help="which fold (needed where there are several); all: together, to vote"
    )
    parser.add_argument("--seed", type=int, help="which seed")
    parser.add_argument(
        "--license", default="unknown", help="licence for the card, a word of the hub's list"
    )


def run(options: argparse.Namespace) -> int:
    """Write what is asked for and print where it lies."""
    if not options.out and not options.onnx and not options.space:
        expected = "--out FOLDER, --space FOLDER or --onnx FILE"
        raise UsageError(expected, "none of them", "Say what to write.")
    source, lines = run_of(options.run), []
    if options.out:
        from mmser.sharing.export import export

        folder = export(source, options.out, options.fold, options.seed, options.license)
        lines += [f"Model folder: {_sized(folder)}", f"Card: {folder / 'README.md'}"]
    if options.space:
        from mmser.sharing.space import export_space

        space = export_space(
            source,
            options.space,
            options.fold,
            options.seed,
            options.license,
            options.asr,
            options.weights,
        )
        lines += [f"Space: {_sized(space)}", f"Try it: python {space / 'app.py'}"]
    if options.onnx:
        from mmser.sharing.onnx_export import export_onnx

        lines += [export_onnx(source, options.onnx, options.fold, options.seed).text()]
    print(printable("\n".join(lines)))
    return 0


def _sized(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    return f"{folder} ({len(files)} files, {size / 1e6:.1f} MB)"


COMMAND = Command(
    "export",
    "a trained run as a model folder for others, a Space, or an ONNX file",
    add_options,
    run,
)
