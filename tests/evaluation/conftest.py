"""Fixtures of this room."""

import pytest
from makers.evaluated_run import make_run
from makers.trained_run import make_trained_run


@pytest.fixture
def run(tmp_path):
    """Two folds, two seeds, five utterances each; see `makers.evaluated_run`."""
    return make_run(tmp_path)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A really trained run; see `makers.trained_run`. Tests add files to its folder, and change none."""
    return make_trained_run(tmp_path_factory.mktemp("trained"))
