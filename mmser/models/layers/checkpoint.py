"""A state dictionary from a file that the user has downloaded."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mmser.core.errors import MmserError


def read_state(weights: str, weights_folder: str, url: str, prefix: str = "") -> dict[str, Tensor]:
    """The tensors whose names start with ``prefix``, which is cut off.

    ``weights`` is a file, looked for as it is and in ``weights_folder``. Raises MmserError naming ``url`` when it is
    in neither place or holds no such tensor.
    """
    places = [Path(weights).expanduser(), Path(weights_folder) / weights]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise MmserError(
            f"the weights {weights}",
            f"no file {places[0]} or {places[1]}",
            f"Download {url} into the folder of weights (`paths.weights`), or train from scratch with weights=random.",
        )
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state.get("model", state)  # some files hold the counters of their training beside the model
    found = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    if not found:
        raise MmserError(f"tensors named {prefix}* in {path}", "none", f"Download {url} again.")
    return found
