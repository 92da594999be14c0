"""What a run writes about itself beside its results, so that it can be repeated and trusted."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmser.cache.feature_store import FeatureStore

PACKAGES = (
    "mmser",
    "torch",
    "torchaudio",
    "torchvision",
    "lightning",
    "transformers",
    "pytorch-metric-learning",
    "numpy",
    "pandas",
    "scikit-learn",
    "safetensors",
)


def environment(
    seeds: Sequence[int], stores: Mapping[str, FeatureStore], device: str
) -> dict[str, Any]:
    """Package versions, git revision, platform, seeds, fingerprints of the caches.

    And whether any weights are random. ``stores`` by stream; by ``<stage>.<stream>`` for a stream
    of which a stage reads another store.
    """
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "device": device,
        "git": git_revision(Path(__file__).parent),
        "seeds": list(seeds),
        "caches": fingerprints(stores),
        "random_weights": any(bool(store.info.get("random_weights")) for store in stores.values()),
    }


def fingerprints(stores: Mapping[str, FeatureStore]) -> dict[str, str]:
    """The fingerprint of each stream's cache."""
    return {stream: str(store.info["fingerprint"]) for stream, store in stores.items()}


def git_revision(folder: Path) -> str | None:
    """The commit the code was run from, with ``+`` when files differ from it.

    None outside a checkout.
    """
    try:
        revision = _git(folder, "rev-parse", "HEAD")
        return revision + (
            "+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
