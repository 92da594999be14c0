"""Fixtures of this room."""

import pytest
from evaluated_run import make_run


@pytest.fixture
def run(tmp_path):
    """Two folds, two seeds, five utterances each; see evaluated_run.py."""
    return make_run(tmp_path)
