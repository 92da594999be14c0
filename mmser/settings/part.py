"""The arguments of a part (``_target_`` and flat arguments) beside the signature of what is named.

Types come from the signature. Ranges come from the argument's name, so that each part has them
without a word of its own: a size is at least 1, a dropout below 1, a probability at most 1, nothing
is NaN or negative that counts something.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from mmser.core.errors import MmserError
from mmser.core.trust import find_part
from mmser.settings.check import check_value, unknown_option
from mmser.settings.ranges import Flag, ListOf, MappingOf, Null, Number, OneOf, Range, Text, Whole

HYDRA = ("_target_", "_partial_", "_convert_", "_recursive_", "_args_")
COMPLETED = (
    "input_size",
    "input_sizes",
    "task",
    "vector_size",
    "optimizer",
    "epochs",
    "steps_per_epoch",
    "params",
)
"""Arguments that the data or the learner give: no option."""

SIZES = ("size", "sizes", "heads", "hops", "rank", "filters", "channels", "kernel", "kernels",
         "stride", "strides", "hop", "test_hop", "bands", "bins", "fft", "frames", "segment",
         "segment_frames", "groups", "pool", "pools", "blocks", "rows_at_once", "sample_rate",
         "columns", "nodes", "window", "width", "height", "samples", "symbols", "coefficients",
         "example", "picture", "steps", "limit", "crop", "emotions", "every", "steps_up",
         "detect_every", "utterances_per_speaker", "beam_size", "negatives", "span", "average",
         "inner_steps", "tasks", "support", "query", "count", "validation_speakers")  # fmt: skip
SHARES_BELOW_ONE = ("dropout", "layer_drop", "drop_path")
SHARES = (
    "probability",
    "information",
    "label_smoothing",
    "time_fraction",
    "share",
    "keep",
    "proportion",
    "warmup",
)
POSITIVE = (
    "ms",
    "seconds",
    "frame_rate",
    "temperature",
    "ratio",
    "width",
    "scale",
    "epsilon",
    "high_hz",
    "divisor",
)
SEED = Whole(0, 2**32 - 1)


def check_part(node: Any, where: str) -> None:
    """Check every part at and below ``node``, a part of the settings that stands at ``where``.

    Raises UsageError for the first argument that is unknown, of another type or out of its range.
    """
    if isinstance(node, Mapping):
        if isinstance(node.get("_target_"), str):
            _check_arguments(node, where)
        for key, value in node.items():
            check_part(value, f"{where}.{key}")
    elif isinstance(node, list | tuple):
        for place, value in enumerate(node):
            check_part(value, f"{where}[{place}]")


def argument_names(target: str) -> tuple[str, ...] | None:
    """The arguments that a config may give what ``target`` names.

    None where they are not known, or any is allowed.
    """
    kinds = _arguments(target)
    return None if kinds is None else tuple(kinds)


def _check_arguments(node: Mapping[str, Any], where: str) -> None:
    arguments = _arguments(str(node["_target_"]))
    if arguments is None:
        return
    for key, value in node.items():
        if key in HYDRA:
            continue
        if key not in arguments:
            raise unknown_option(f"{where}.{key}", arguments)
        # A part of its own is checked by itself.
        if isinstance(value, Mapping) and "_target_" in value:
            continue
        check_value(f"{where}.{key}", value, arguments[key])


@cache
def _arguments(target: str) -> dict[str, tuple[Range, ...]] | None:
    """{argument: what it may be}; () where the annotation says too little to check."""
    part = located(target)
    if part is None:
        return None
    try:
        parameters = inspect.signature(part).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    hints = _hints(part)
    own = [parameter for parameter in parameters if parameter.name not in COMPLETED]
    return {each.name: _ranges(each.name, hints.get(each.name), each.default) for each in own}


def located(target: str) -> Any:
    """What a target names.

    None where it may not be called or does not exist, which is an error when it is built.
    """
    try:
        return find_part(target, "a part")
    except MmserError:
        return None


def _hints(part: Any) -> dict[str, Any]:
    try:
        # A dataclass inherits fields whose annotations are words of the module they stand in.
        is_function = not inspect.isclass(part)
        return get_type_hints(part if is_function or is_dataclass(part) else part.__init__)
    except (NameError, TypeError, AttributeError):
        return {}


def _ranges(name: str, annotation: Any, default: Any) -> tuple[Range, ...]:
    """What an argument of this name and type may be; () for a type that is not checked here."""
    if annotation is None or annotation is inspect.Parameter.empty:
        return ()
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        alternatives = [_ranges(name, each, default) for each in get_args(annotation)]
        # One alternative that is not checked allows anything.
        return tuple(chain.from_iterable(alternatives)) if all(alternatives) else ()
    if origin is Literal:
        return (OneOf(*get_args(annotation)),)
    if origin in (list, tuple, Sequence, Collection):
        items = _ranges(name, get_args(annotation)[0], default) if get_args(annotation) else ()
        return (ListOf(*items),) if items else ()
    if origin in (dict, Mapping):
        items = _ranges(name, get_args(annotation)[-1], None)
        return (MappingOf(*items),) if items else ()
    return _plain(name, annotation, default)


def _plain(name: str, annotation: Any, default: Any) -> tuple[Range, ...]:
    if annotation is type(None):
        return (Null(),)
    if annotation is Path:
        return (Text("a path"),)
    if annotation is bool:
        return (Flag(),)
    if annotation is int:
        return (_whole(name, default),)
    if annotation is float:
        return (_number(name),)
    # A word may be empty where "" is the default (none).
    return (Text(),) if annotation is str and default != "" else ()


def _whole(name: str, default: Any) -> Range:
    if name == "seed":
        return SEED
    if isinstance(default, int) and default < 0:
        return Whole(-1_000_000)
    return Whole(1 if _ends(name, SIZES) else 0)


def _number(name: str) -> Range:
    if _ends(name, SHARES_BELOW_ONE):
        return Number(least=0, below=1)
    if _ends(name, SHARES):
        return Number(least=0, most=1)
    return Number(above=0) if _ends(name, POSITIVE) else Number()


def _ends(name: str, endings: Sequence[str]) -> bool:
    return any(name == ending or name.endswith("_" + ending) for ending in endings)
