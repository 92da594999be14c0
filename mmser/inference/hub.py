"""A model folder from the Hugging Face Hub, at one commit.

Only the files of a model folder are fetched.
"""

from __future__ import annotations

from pathlib import Path

from mmser.core.hub import snapshot
from mmser.inference.model_folder import PATTERNS


def pull(source: str, revision: str | None = None) -> Path:
    """The local folder of "hf:owner/name" or "hf:owner/name@revision", as `snapshot` has it."""
    return snapshot(source, PATTERNS, "model", revision)
