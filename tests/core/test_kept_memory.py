"""Memory is kept while asked, and goes back afterwards."""

import subprocess
import sys

import pytest

PROGRAM = """
import numpy as np, psutil
from mmser.core.kept_memory import kept_memory
process = psutil.Process()
def made():
    return [np.ones(4_000_000, "f4") for _ in range(16)]  # 16 MB each
with kept_memory():
    arrays = made()
    last = np.ones(10)
    del arrays
    inside = process.memory_info().rss
outside = process.memory_info().rss
print((inside - outside) / 1e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="an option of glibc")
def test_what_is_free_goes_back_at_the_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > 100
