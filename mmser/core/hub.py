"""Files of a repository on the Hugging Face Hub, at one commit."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from mmser.core.errors import MmserError, UsageError

PREFIX = "hf:"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_HUB_ID = re.compile(rf"{_NAME}/{_NAME}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_log = logging.getLogger(__name__)


def checked_hub_id(name: str) -> str:
    """``name`` if it can be one. Raises UsageError otherwise."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
        is_valid = _HUB_ID.fullmatch(name) is not None
    except HFValidationError:
        is_valid = False
    if not is_valid:
        raise UsageError(
            "the name of a hub repository, owner/name", f"'{name}'", "Write e.g. hf:owner/name."
        )
    return name


def snapshot(source: str, patterns: Sequence[str], kind: str, revision: str | None = None) -> Path:
    """The local folder of "hf:owner/name" or "owner/name@revision", with what fits the patterns.

    ``kind`` is "model" or "dataset". What is in the hub's cache is not fetched again. ``revision``
    is a commit (which never changes), a tag or a branch; without one the newest is taken, and the
    log says which. Raises MmserError when the repository or the revision is not there, or the hub
    cannot be reached.
    """
    from huggingface_hub import errors, snapshot_download

    name, _, tag = source.removeprefix(PREFIX).partition("@")
    revision = revision or tag or None
    try:
        path = snapshot_download(
            checked_hub_id(name),
            repo_type=kind,
            revision=revision,
            allow_patterns=list(patterns),
        )
    except errors.LocalEntryNotFoundError as error:
        remedy = "Check the connection, or copy the folder here and name it."
        raise MmserError(f"the hub, or {name} in its cache", "neither", remedy) from error
    except errors.GatedRepoError as error:
        raise MmserError(
            f"access to {name}", "none", "Ask its owner on the hub, then `hf auth login`."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        is_revision = isinstance(error, errors.RevisionNotFoundError)
        missing = "no such revision" if is_revision else "no such repository"
        place = f"{name} at {revision}" if revision else name
        remedy = "Check the name; for a private one run `hf auth login`."
        raise MmserError(f"{place} on the hub", missing, remedy) from error
    except errors.HfHubHTTPError as error:
        raise MmserError(
            f"{name} from the hub", " ".join(str(error).split())[:200], "Try again later."
        ) from error
    if revision is None or not _COMMIT.fullmatch(revision):
        _log.info(
            "read %s%s@%s: write that to get the same tomorrow", PREFIX, name, Path(path).name
        )
    return Path(path)
