"""`python -m mmser` is the command `mmser`."""

import sys

from mmser.cli import main

if __name__ == "__main__":
    sys.exit(main())
