"""Runs that tests of several rooms read: trained once in a session, and never changed.

A test that has to change one copies its folder first.
"""

from __future__ import annotations

import os

import pytest

# One thread a process, before torch or numba is imported: the tests' networks are too small for
# more, and waiting threads burn the time of the suite's other processes. Whisper brings numba,
# which would give torch a thread per core from then on.
for _variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")


@pytest.fixture(scope="session")
def sound_run(tmp_path_factory: pytest.TempPathFactory):
    """A run on sound and words of .5 to .84 s, tested on s0 and s1; see `makers.sound_run`."""
    from makers.sound_run import make_sound_run

    return make_sound_run(tmp_path_factory.mktemp("sound_run"))


@pytest.fixture(scope="session")
def picture_run(tmp_path_factory: pytest.TempPathFactory):
    """A run on sound, words and pictures, tested on s0; see `makers.picture_run`."""
    from makers.picture_run import make_picture_run

    return make_picture_run(tmp_path_factory.mktemp("picture_run"))
