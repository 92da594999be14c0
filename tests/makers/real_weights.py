"""Real weights from the packages that are installed here."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from mmser.weights.placing import place
from mmser.weights.sources import SOURCES


def placed(name: str, folder: Path) -> Path:
    """Place the weights ``name`` below ``folder``; the test is skipped without their packages."""
    for package in SOURCES[name].packages:
        try:
            metadata.distribution(package.name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{package.requirement} is not installed")
    return place(name, folder)
