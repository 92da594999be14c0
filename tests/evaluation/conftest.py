"""Fixtures of this room."""

import pytest
from evaluated_run import make_run
from trained_run import make_trained_run


@pytest.fixture
def run(tmp_path):
    """Two folds, two seeds, five utterances each; see evaluated_run.py."""
    return make_run(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A really trained run; see trained_run.py. Tests add files to its folder, and change none."""
    return make_trained_run(tmp_path_factory.mktemp("trained"))
