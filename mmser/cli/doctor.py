"""`mmser doctor`."""

from __future__ import annotations

import argparse

from mmser.cli.command import Command
from mmser.core.output import columns_text
from mmser.core.printable import printable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `mmser doctor`."""
    parser.add_argument("--weights", default="weights", help="the folder of checkpoints")


def run(options: argparse.Namespace) -> int:
    """Print the findings; the exit code is 1 when something the main job needs is missing."""
    from mmser.doctor import doctor

    findings = doctor(options.weights)
    rows: list[dict[str, str]] = []
    for each in findings:
        state = "ok" if each.ok else "MISSING"
        rows.append({"": state, "what": each.what, "found": each.found, "what to do": each.remedy})
    print(printable(columns_text(rows)))
    return int(not all(finding.ok for finding in findings))


COMMAND = Command("doctor", "what this machine has and what is missing", add_options, run)
