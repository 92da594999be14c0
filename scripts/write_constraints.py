"""constraints.txt: the exact versions of every installed package, from environments in which the
suite passed.

    python scripts/write_constraints.py .venv-3.11/bin/python .venv-3.12/bin/python
    .venv-3.13/bin/python

Name the interpreters from the oldest Python to the newest. A package whose version differs between
them gets one line per version, marked with the Pythons that it is for; Pythons newer than the last
are given the last one's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from itertools import groupby
from operator import itemgetter
from pathlib import Path

NOT_LISTED = {"mmser", "pip", "setuptools", "wheel"}

HEADER = """\
# The exact versions with which the suite passed: pip install -c constraints.txt ".[test]"
# Written by scripts/write_constraints.py.
# The extra `app` wants an older pillow: it is installed without this file.
"""


def main() -> None:
    """Write the file named by --out from the environments of the named interpreters."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "interpreters", nargs="+", help="python executables of environments, oldest Python first"
    )
    parser.add_argument("--out", type=Path, default=Path("constraints.txt"))
    options = parser.parse_args()
    environments = {python_version(python): installed(python) for python in options.interpreters}
    options.out.write_text(
        HEADER + "".join(f"{line}\n" for line in constraints(environments)), encoding="utf-8"
    )


def python_version(python: str) -> str:
    """ "3.13" of an interpreter."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run(
        [python, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()


def installed(python: str) -> dict[str, str]:
    """{package: version} of an interpreter's environment."""
    command = [python, "-m", "pip", "list", "--format=json"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    packages = {
        str(row["name"]).lower().replace("_", "-"): str(row["version"])
        for row in json.loads(listed)
    }
    return {name: version for name, version in packages.items() if name not in NOT_LISTED}


def constraints(environments: dict[str, dict[str, str]]) -> list[str]:
    """One line per package and version, for ``environments`` {python version: {package: version}}
    in rising order.
    """
    pythons = list(environments)
    names = sorted({name for packages in environments.values() for name in packages})
    lines = []
    for name in names:
        versions = [(environments[python].get(name), python) for python in pythons]
        for version, group in groupby(versions, itemgetter(0)):
            if version is not None:
                lines.append(
                    f"{name}=={version}{_marker([python for _, python in group], pythons)}"
                )
    return lines


def _marker(of: list[str], pythons: list[str]) -> str:
    """The environment marker of a stretch of neighbouring Pythons; none at an open end."""
    after = pythons[pythons.index(of[-1]) + 1 :]
    conditions = []
    if of[0] != pythons[0]:
        conditions.append(f'python_version >= "{of[0]}"')
    if after:
        conditions.append(f'python_version < "{after[0]}"')
    return " ; " + " and ".join(conditions) if conditions else ""


if __name__ == "__main__":
    main()
