"""Hooks of the documentation site (mkdocs.yml): the page of commands is what ``--help`` prints."""

from __future__ import annotations

import argparse
import os
from typing import Any

PLACE = "<!-- commands -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs for each page."""
    return markdown.replace(PLACE, commands()) if PLACE in markdown else markdown


def commands() -> str:
    """A heading and the help of every command, 96 columns wide."""
    os.environ["COLUMNS"] = "96"
    from mmser.cli import build_parser

    parser = build_parser()
    (subparsers,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    blocks = [
        f"## mmser {name}\n\n```console\n{sub.format_help().rstrip()}\n```"
        for name, sub in subparsers.choices.items()
    ]
    return "\n\n".join(blocks)
