"""Checkpoints of the model hub: where they lie, what identifies them, and a fast, clear no when they are missing."""

from __future__ import annotations

import re
from pathlib import Path

from mmser.core.errors import MmserError
from mmser.extractors.weights import RANDOM, digest, is_random, missing_weights

_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+$")
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_PROBE_SECONDS = 5.0


def checkpoint_identity(weights: str, revision: str | None, weights_folder: str) -> str:
    """What goes into the fingerprint: ``random``, the digest of a local folder, or hub id and commit."""
    if is_random(weights):
        return RANDOM
    local = _local(weights, weights_folder)
    return f"sha256:{digest(local)}" if local else f"hub:{weights}@{_pinned(weights, revision)}"


def find_checkpoint(weights: str, revision: str | None, weights_folder: str, what: str) -> Path:
    """The folder of a checkpoint.

    Looks at the path itself, at ``weights_folder/<last part of the hub id>``, in the hub's cache, and downloads the
    pinned commit at last. Raises MmserError, after 5 seconds at most, when the hub cannot be reached.
    """
    local = _local(weights, weights_folder)
    if local:
        return local
    commit = _pinned(weights, revision)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(weights, revision=commit, local_files_only=True))
    except LocalEntryNotFoundError:
        return _downloaded(weights, commit, weights_folder, what)


def _downloaded(weights: str, commit: str, weights_folder: str, what: str) -> Path:
    from urllib.request import urlopen

    from huggingface_hub import constants, snapshot_download

    target = Path(weights_folder) / weights.rpartition("/")[2]
    missing = missing_weights(
        what,
        f"{target}, nor in the hub's cache, and the hub cannot be reached",
        f"https://huggingface.co/{weights}/tree/{commit} "
        f"(`hf download {weights} --revision {commit} --local-dir {target}`)",
    )
    if constants.HF_HUB_OFFLINE:
        raise missing
    try:
        # The hub's client would try an unreachable host for half a minute.
        urlopen(constants.ENDPOINT, timeout=_PROBE_SECONDS).close()  # noqa: S310 the scheme is the hub's own
        patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin"]
        return Path(snapshot_download(weights, revision=commit, allow_patterns=patterns))
    except OSError as error:
        raise missing from error


def _local(weights: str, weights_folder: str) -> Path | None:
    for path in (Path(weights).expanduser(), Path(weights_folder) / weights.rpartition("/")[2]):
        if path.is_dir():
            return path
    return None


def _pinned(weights: str, revision: str | None) -> str:
    if not _HUB_ID.match(weights):
        raise missing_weights("the checkpoint", weights, "a folder written by `save_pretrained`")
    if revision is None or not _COMMIT.match(revision):
        raise MmserError(
            f"a pinned `revision` for the hub id {weights} (the 40 hexadecimal digits of a commit)",
            repr(revision),
            f"Copy the commit from https://huggingface.co/{weights}/commits/main.",
        )
    return revision
