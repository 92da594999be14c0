"""Tensors from a file that the user has downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from mmser.core.errors import MmserError


def read_tensors(path: Path, also: Sequence[type] = ()) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, or of another that torch has saved.

    Such a file may hold them under ``model``, beside the counters of its training. Nothing but tensors, plain Python
    values and the classes ``also`` is read from it; raises MmserError where it holds more, or no tensors.
    """
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    try:
        with torch.serialization.safe_globals(list(also)):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, UnpicklingError) as error:
        raise MmserError(
            "a file of tensors alone",
            f"more than tensors, or none, in {path}: {str(error).splitlines()[0]}",
            "Save what is under `model` as .safetensors where you trust the file, or download it again.",
        ) from error
    return state["model"] if isinstance(state.get("model"), Mapping) else state


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
    state = read_tensors(path)
    found = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    if not found:
        raise MmserError(f"tensors named {prefix}* in {path}", "none", f"Download {url} again.")
    return found
