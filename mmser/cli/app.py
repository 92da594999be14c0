"""`mmser app`: its options, and where the page is. Imports nothing heavy until it runs."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command
from mmser.cli.trained_source import (
    add_opening,
    add_run,
    check_window,
    open_recogniser,
    split_words,
)
from mmser.core.errors import UsageError
from mmser.core.needed_package import need_package


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser app`."""
    add_run(parser)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="extractor.NAME.weights=PATH says where its weights lie now; labels={LABEL: name}",
    )
    add_opening(parser)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address; 0.0.0.0 lets others in (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=7860, help="default: %(default)s")
    parser.add_argument(
        "--largest", type=float, default=100.0, metavar="MB", help="of a file (default: 100)"
    )
    parser.add_argument(
        "--longest",
        type=float,
        default=10.0,
        metavar="MINUTES",
        help="of a recording (default: 10)",
    )


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, which is its usual end: the exit code is 0."""
    need_package("gradio", "app")
    if not 0 <= options.port < 2**16:
        raise UsageError("--port from 0 to 65535", f"{options.port}", "Leave it out for 7860.")
    check_window(options)
    from mmser.app.answer import Answerer
    from mmser.app.limits import Limits
    from mmser.app.serve import serve

    limits = Limits(options.largest, options.longest)
    words = split_words(options.words)
    if words.rest:
        remedy = "The page asks for recordings; `mmser predict` takes files."
        raise UsageError("extractor.NAME.weights=PATH or labels={...}", words.rest[0], remedy)
    recogniser = open_recogniser(options, words)
    answerer = Answerer(recogniser, limits, options.asr, options.window)
    serve(answerer, options.host, options.port or None)
    return 0


COMMAND = Command("app", "a local page to upload or record, and see the timeline", add_options, run)
