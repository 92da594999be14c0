"""A small finished store."""

from pathlib import Path

import pytest
from makers.cache_stores import entries, fill


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    return fill(tmp_path, entries())
