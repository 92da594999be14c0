"""The `mmser` command: one file for each of its commands, with its options and what it prints.

Words of a command line come in, an exit code goes out. Heavy libraries load in the functions.
Start reading at `main`.
"""

from __future__ import annotations

import argparse
import io
import logging
import sys
from collections.abc import Sequence

from mmser import __version__
from mmser.cli import (
    ablate,
    app,
    cache,
    catalogue,
    compare,
    completion,
    crosscorpus,
    demo,
    doctor,
    evaluate,
    explore,
    export,
    export_features,
    fuse,
    manifest,
    predict,
    preprocess,
    push,
    report,
    robustness,
    runs,
    score,
    search,
    soup,
    train,
    weights,
)
from mmser.cli.command import existing_run
from mmser.cli.examples import EXAMPLES
from mmser.core.errors import MmserError, UsageError
from mmser.core.output import end_without_reader
from mmser.core.printable import printable, printable_lines
from mmser.core.trust import trust

COMMANDS = (
    catalogue.COMMAND,
    catalogue.SHOW,
    demo.COMMAND,
    manifest.COMMAND,
    explore.COMMAND,
    preprocess.COMMAND,
    cache.COMMAND,
    train.COMMAND,
    search.COMMAND,
    runs.COMMAND,
    evaluate.COMMAND,
    crosscorpus.COMMAND,
    score.COMMAND,
    fuse.COMMAND,
    report.COMMAND,
    robustness.COMMAND,
    ablate.COMMAND,
    predict.COMMAND,
    app.COMMAND,
    compare.COMMAND,
    soup.COMMAND,
    export.COMMAND,
    export_features.COMMAND,
    push.COMMAND,
    weights.COMMAND,
    doctor.COMMAND,
    completion.COMMAND,
)
"""In the order of `mmser --help`."""
RUN = "run="


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 when done, 1 when it failed, 2 for wrong usage."""
    parser = build_parser()
    if completion.is_asked():
        completion.answer(parser)
    options = parse(parser, arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Names may have letters that the terminal cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, handlers=[printable_lines()])
    logging.getLogger("mmser").setLevel(logging.INFO)
    trust(*options.trust)
    try:
        word = getattr(options, "run", None)
        if isinstance(word, str) and word.startswith(RUN):
            existing_run(word.removeprefix(RUN))  # told before anything heavy is loaded
        code = int(options.run_command(options))
        # A reader that has gone is noticed here.
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return end_without_reader()
    except (MmserError, OSError) as error:
        if options.debug:
            raise
        message = " ".join(str(error).split())
        print(printable(f"mmser {options.command}: {message}"), file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print(
            f"mmser {options.command}: interrupted; the same command goes on from here",
            file=sys.stderr,
        )
        return 130


def parse(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """The options of a command. KEY=VALUE may stand behind an option, too.

    argparse ends a list of words at the first option and hands back what comes later.
    """
    options, late = parser.parse_known_args(arguments)
    foreign = [word for word in late if word.startswith("-") or "=" not in word]
    if late and (foreign or not hasattr(options, "overrides")):
        parser.error(f"unrecognized arguments: {' '.join(foreign or late)}")
    if late:
        options.overrides = [*options.overrides, *late]
    return options


def build_parser() -> argparse.ArgumentParser:
    """One subparser for each of COMMANDS."""
    parser = argparse.ArgumentParser(
        prog="mmser", description="Multimodal (speech, text, face) emotion recognition."
    )
    parser.add_argument("--version", action="version", version=f"mmser {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = subparsers.add_parser(
            command.name,
            help=command.what,
            description=command.what,
            epilog="\n  ".join(["examples:", *EXAMPLES[command.name]]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.add_argument(
            "--trust",
            action="append",
            default=[],
            metavar="MODULE",
            help="saved configs may name it",
        )
        command.add_options(sub)
        sub.set_defaults(run_command=command.run)
    return parser
