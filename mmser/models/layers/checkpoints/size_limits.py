"""A network is built no larger than the file of weights that is to fill it.

The config that asks for the network may come from anywhere. Sizes are compared while it is built,
before memory is taken or a loop goes on for ever: every tensor when it is asked for, every
parameter and module when it is registered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.modules.module import register_module_module_registration_hook as each_module
from torch.nn.modules.module import register_module_parameter_registration_hook as each_parameter
from torch.overrides import TorchFunctionMode

from mmser.core.errors import MmserError

HEADER_BYTES = 2**24
SPARE = 4
"""How many times what is saved a network may take while it is built: some build more than they
keep.
"""
SPARE_VALUES, SPARE_PIECES = 2**22, 500


@contextmanager
def no_larger_than(path: Path) -> Iterator[None]:
    """While the block runs, refuse a network that the safetensors file ``path`` cannot fill.

    Raises MmserError when it asks for far more values or parts than the file holds (none where
    there is no file), and when the file is damaged.
    """
    shapes = _shapes(path) if path.is_file() else []
    values = SPARE * sum(map(prod, shapes)) + SPARE_VALUES
    pieces = SPARE * len(shapes) + SPARE_PIECES
    limits = _Limits(path, values, pieces)
    with ExitStack() as stack:
        stack.enter_context(_Sizes(limits))
        for hook in (each_parameter(limits.add_parameter), each_module(limits.add_piece)):
            stack.callback(hook.remove)
        yield


def _shapes(path: Path) -> list[list[int]]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
        if length > HEADER_BYTES:
            raise SafetensorError(f"a header of {length} bytes")
        with safe_open(path, framework="pt") as file:
            return [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise MmserError(
            f"an undamaged {path}", f"{error}", "Get the folder again from where it came."
        ) from error


class _Limits:
    """How many values, and how many pieces (parameters and modules), may still be built."""

    def __init__(self, path: Path, values: int, pieces: int) -> None:
        self.path, self.values, self.pieces = path, values, pieces
        self.values_left, self.pieces_left = values, pieces

    def add_parameter(self, _: nn.Module, name: str, parameter: Tensor | None) -> None:
        """Called by torch before a module takes a parameter."""
        self.values_left -= 0 if parameter is None else parameter.numel()
        if self.values_left < 0:
            raise self.refused(f"a network of more than {self.values:,} values")
        self.add_piece()

    def add_piece(self, *_: object) -> None:
        """Called by torch before a module takes another one."""
        self.pieces_left -= 1
        if self.pieces_left < 0:
            raise self.refused(f"a network of more than {self.pieces:,} parts")

    def check_tensor(self, count: float) -> None:
        """Raise MmserError when one tensor alone is too large."""
        if count > self.values:
            raise self.refused(f"a tensor of {count:,.0f} values")

    def refused(self, request: str) -> MmserError:
        """The error for what a config asks for."""
        remedy = "The config is damaged, or not of this file."
        return MmserError(f"a network that {self.path} can fill", request, remedy)


class _Sizes(TorchFunctionMode):
    """Sees each call that makes a tensor before torch takes memory for it."""

    def __init__(self, limits: _Limits) -> None:
        super().__init__()
        self.limits = limits

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Raises MmserError for a size that the file cannot fill."""
        kwargs = kwargs or {}
        # torch hands over functions and other callables, not all of which have a name.
        name = getattr(func, "__name__", "")
        self.limits.check_tensor(_values_asked(name, args, kwargs))
        return func(*args, **kwargs)


MAKERS = {
    "empty",
    "zeros",
    "ones",
    "full",
    "rand",
    "randn",
    "randint",
    "empty_strided",
    "repeat",
    "eye",
}
RANGES = {"arange", "range"}
COUNTS = {
    "linspace",
    "logspace",
    "randperm",
    "hann_window",
    "hamming_window",
    "blackman_window",
    "bartlett_window",
}


SIZE_KEYWORDS = ("size", "start", "end", "step", "steps")


def _values_asked(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> float:
    """How many values a call asks for, where its arguments say so.

    They say it by sizes, by a range, or by tensors that are spread over others.
    """
    arguments = [*args, *(kwargs[key] for key in SIZE_KEYWORDS if key in kwargs)]
    numbers = [value for value in arguments if isinstance(value, int | float)]
    if name in MAKERS or name.startswith("new_"):
        sizes = next((value for value in arguments if isinstance(value, list | tuple)), numbers)
        # `repeat` multiplies a tensor that is there; `eye` of one number is a square.
        repeated = args[0].numel() if name == "repeat" else 1
        power = 2 if name == "eye" and len(numbers) == 1 else 1
        return float(repeated * prod(sizes) ** power)
    if name in RANGES and numbers:
        start, end, step = (0, *numbers, 1) if len(numbers) == 1 else (*numbers, 1)[:3]
        return abs(end - start) / (abs(step) or 1)
    if name in COUNTS:
        return float(max(numbers, default=0))
    return _broadcast_values([value for value in arguments if isinstance(value, Tensor)])


def _broadcast_values(tensors: Sequence[Tensor]) -> float:
    """How many values several tensors make when they are spread over each other; 0 for one."""
    if len(tensors) < 2:
        return 0.0
    from_the_last_axis = [tensor.shape[::-1] for tensor in tensors]
    return float(prod(map(max, zip_longest(*from_the_last_axis, fillvalue=1))))
