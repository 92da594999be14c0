"""Runs that tests of several rooms read: trained once in a session, and never changed.

A test that has to change one copies its folder first.
"""

from __future__ import annotations

import pytest


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
