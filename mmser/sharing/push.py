"""A model folder onto the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

from mmser.core.errors import MmserError
from mmser.core.hub import PREFIX, checked_hub_id
from mmser.inference.model_folder import PATTERNS, ModelFolder


def push(folder: str | Path, name: str, private: bool = False, message: str | None = None) -> str:
    """Upload a model folder to the hub and return the address of the commit.

    The repository ``name`` ("owner/name") is created where there is none. Only the files of a model
    folder go up. Raises MmserError when it is none, or the hub cannot be reached or refuses.
    """
    from huggingface_hub import HfApi, errors

    hub_id, opened = checked_hub_id(name.removeprefix(PREFIX)), ModelFolder(folder)
    # A damaged folder is an error here, not at somebody else's.
    opened.members()
    version = opened.config["mmser_version"]
    api = HfApi()
    try:
        api.create_repo(hub_id, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=hub_id,
            folder_path=str(opened.directory),
            allow_patterns=list(PATTERNS),
            commit_message=message or f"{opened.name}, exported by mmser {version}",
        )
    except errors.LocalTokenNotFoundError as error:
        raise MmserError(
            "a token of the hub", "none on this machine", "Run `hf auth login` once."
        ) from error
    except errors.HfHubHTTPError as error:
        remedy = "Run `hf auth login` with a token that may write there."
        raise MmserError(
            f"to write to {hub_id}", " ".join(str(error).split())[:200], remedy
        ) from error
    except ValueError as error:
        reason = " ".join(str(error).split())[:300]
        raise MmserError(
            "a README.md as the hub wants it", reason, "Correct what stands between its dashes."
        ) from error
    except OSError as error:
        raise MmserError(
            "the hub", f"{type(error).__name__}: {error}"[:200], "Check the connection."
        ) from error
    return str(done.commit_url)
