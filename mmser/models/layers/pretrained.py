"""A transformers network from a folder, from the hub at a pinned commit, or with random weights; parts of it frozen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mmser.core.errors import MmserError

RANDOM = "random"


def pretrained(
    network: Any,
    weights: str,
    revision: str | None = None,
    weights_folder: str = "weights",
    configuration: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build the transformers class ``network``.

    ``weights`` is a folder written by ``save_pretrained``, a hub id (looked for as ``weights_folder``/<its last part>
    first, then fetched at the commit ``revision``), or "random" (then ``configuration`` changes the default sizes).
    Raises MmserError when they cannot be had.
    """
    if weights == RANDOM:
        return network(network.config_class(**(configuration or {})))
    folders = [Path(weights).expanduser(), Path(weights_folder) / weights.rpartition("/")[2]]
    local = next((folder for folder in folders if folder.is_dir()), None)
    if local is None and revision is None:
        raise _missing(weights, f"no folder {folders[0]} or {folders[1]}, and no pinned `revision` to fetch")
    try:
        return network.from_pretrained(local or weights, revision=None if local else revision)
    except OSError as error:
        raise _missing(weights, f"{local or 'the hub'} does not give it ({str(error).splitlines()[0]})") from error


def _missing(weights: str, found: str) -> MmserError:
    return MmserError(
        f"the checkpoint {weights}",
        found,
        "Download it into the folder of weights (`paths.weights`), or train from scratch with weights=random.",
    )


def freeze(module: nn.Module) -> None:
    """Keep every parameter of ``module`` as it is in training."""
    for parameter in module.parameters():
        parameter.requires_grad = False


def check_layers(frozen: int, found: int, what: str) -> None:
    """Raise MmserError unless 0 <= ``frozen`` <= ``found``."""
    if not 0 <= frozen <= found:
        raise MmserError(f"frozen_layers from 0 to {found}, the layers of {what}", str(frozen), "Change frozen_layers.")
