"""Recompute every checksum of a cache; exits with 1 when anything is damaged."""

from __future__ import annotations

import argparse
import sys

from mmser.cache.maintenance import info, verify
from mmser.core.errors import MmserError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", help="a whole cache, a corpus's folder in it, or one store")
    options = parser.parse_args()
    try:
        print(info(options.directory).to_string(index=False))
        checked = verify(options.directory)
        damaged = checked[~checked.ok]
        print(
            damaged.to_string(index=False)
            if len(damaged)
            else f"{len(checked)} files, all as they were written"
        )
        return int(len(damaged) > 0)
    except MmserError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    sys.exit(main())
