"""Fixtures of this room."""

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill
from makers.trained_run import make_trained_run


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A small finished store."""
    return fill(tmp_path, entries())


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A really trained run; see `makers.trained_run`. Tests add files to its folder, and change none."""
    return make_trained_run(tmp_path_factory.mktemp("trained"))
