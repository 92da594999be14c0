"""Tensors from a file that the user has downloaded, and whether they are those of the network."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from mmser.core.errors import MmserError, reason_of
from mmser.core.finite import check_finite

ALSO = (Namespace,)
"""What a file may hold beside tensors and plain values: fairseq keeps the command line of its
training.
"""
_UNREADABLE = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    UnpicklingError,
)
_COUNTER = "*num_batches_tracked"
"""Batch norm counts its batches; older files do not, and nothing depends on it in evaluation."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, or of another that torch has saved.

    Such a file may hold them under ``model``, beside the counters of its training. Nothing but
    tensors, plain Python values and the classes ``ALSO`` is read from it; raises MmserError where
    it holds more, no tensors, or one that is not finite.
    """
    from safetensors import SafetensorError

    try:
        state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    except (*_UNREADABLE, SafetensorError) as error:
        raise _unreadable(
            path, f"more than tensors, or none, in {path}: {reason_of(error)}"
        ) from error
    inner = state.get("model") if isinstance(state, Mapping) else None
    content = inner if isinstance(inner, Mapping) else state
    entries = content if isinstance(content, Mapping) else {}
    tensors = {str(name): value for name, value in entries.items() if isinstance(value, Tensor)}
    if not tensors:
        raise _unreadable(path, f"{path}, which holds {type(content).__name__}")
    check_finite(tensors, path)
    return tensors


def _read_safetensors(path: Path) -> object:
    from safetensors.torch import load_file

    return load_file(path)


def _read_torch(path: Path) -> object:
    with torch.serialization.safe_globals(list(ALSO)):
        return torch.load(path, map_location="cpu", weights_only=True)


def _unreadable(path: Path, found: str) -> MmserError:
    remedy = (
        "Save what is under `model` as .safetensors where you trust the file, or download it again."
    )
    return MmserError("a file of tensors alone", found, remedy)


def load_tensors(
    network: nn.Module,
    tensors: Mapping[str, Tensor],
    what: str,
    source: str | Path,
    remedy: str,
    unset: Sequence[str] = (),
    unused: Sequence[str] = (),
) -> None:
    """Copy ``tensors`` into ``network``: each must find its place, and each place its tensor.

    ``unset`` are patterns of names that the file lacks, ``unused`` of those that have no place,
    such as the classifier of the published network. Raises MmserError as `check_fit`.
    """
    own = network.state_dict()
    absent = [name for name in own if name not in tensors]
    unknown = [name for name in tensors if name not in own]
    fitting = {name: tensor for name, tensor in tensors.items() if name in own}
    other = [
        f"{name} {tuple(tensor.shape)}"
        for name, tensor in fitting.items()
        if tensor.shape != own[name].shape
    ]
    check_fit(what, source, remedy, absent, unknown, other, unset, unused)
    network.load_state_dict(fitting, strict=False)


def load_saved(module: nn.Module, path: Path) -> None:
    """Read back what was written of ``module`` (on the CPU) as safetensors.

    Every tensor is read, tied ones once. Raises MmserError where the file is gone, damaged, of
    another module, or holds a value that is no number.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    try:
        load_model(module, str(path))
    except (*_UNREADABLE, SafetensorError) as error:
        remedy = (
            "Train, export or download it again; one of another version of mmser needs that "
            "version."
        )
        raise MmserError(f"an undamaged {path}", reason_of(error), remedy) from error
    check_finite(module.state_dict(), path)


def check_fit(
    what: str,
    source: str | Path,
    remedy: str,
    absent: Sequence[str],
    unknown: Sequence[str],
    other: Sequence[str] = (),
    unset: Sequence[str] = (),
    unused: Sequence[str] = (),
) -> None:
    """Raise MmserError unless the tensors of ``source`` are those of the network ``what``.

    ``absent`` are names ``what`` has and the file lacks, ``unknown`` those it has no place for,
    ``other`` those of another shape. Names that match a pattern in ``unset`` may be absent, those
    in ``unused`` be left over.
    """
    complaints = {
        "no": _beyond(absent, unset),
        "no place for": _beyond(unknown, unused),
        "another shape of": list(other),
    }
    differences = [f"{lead} {_first_two(names)}" for lead, names in complaints.items() if names]
    if differences:
        raise MmserError(f"the tensors of {what} in {source}", "; ".join(differences), remedy)


def _first_two(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{', '.join(names[:2])}{rest}"


def _beyond(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The names that match none of the patterns, in order."""
    beyond = []
    for name in names:
        allowed = any(fnmatchcase(name, pattern) for pattern in (*patterns, _COUNTER))
        if not allowed:
            beyond.append(name)
    return sorted(beyond)
