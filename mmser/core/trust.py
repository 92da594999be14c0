"""Which callables a saved config may name.

They are parts of mmser, layers and optimizers of torch, and what the user trusts.

A config that came from somebody else names by ``_target_`` what is to be called. Here each name is
looked up first: it must be defined where it is named, so that nothing a module merely imports
(``os`` through a file of mmser) is reached. A class of one's own is trusted for the length of a
process, by the user's word: ``parts=`` in Python, an override typed on the command line, ``--trust
my_module``, `mmser.trust`. No word in the folder itself counts.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from mmser.core.errors import MmserError

MODELS = "mmser.models"
ROOMS = (
    MODELS,
    "mmser.objectives",
    "mmser.training.solvers",
    "mmser.data.augmentation",
    "mmser.corpora",
    "mmser.protocols",
    "mmser.extractors",
    "mmser.media.transcription",
    "mmser.evaluation.stress.disturbances",
)
"""The rooms of the plug-ins, of which classes may be named."""

MAKERS = "mmser.training.loop.schedulers"
"""The one file whose plug-ins are functions."""

TORCH = ("torch.nn", "torch.optim")

IMPLEMENTATIONS = ("implementation", "auto_map", "trust")
"""Words in the names of transformers' options by which code could be fetched."""

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", re.ASCII)
_TYPED = re.compile(r"_target_['\"]?\s*[=:]\s*['\"]?([\w.,]+)")
_trusted: set[str] = set()


def trust(*what: str | type | ModuleType) -> None:
    """Let saved configs name these until the process ends.

    They are classes, modules, or the dotted names of either. Whoever made the config chooses the
    arguments: trust what is harmless with any.
    """
    for each in what:
        if isinstance(each, str):
            _trusted.add(each)
        elif isinstance(each, ModuleType):
            _trusted.add(each.__name__)
        else:
            _trusted.add(f"{each.__module__}.{each.__qualname__}")


def trust_typed(words: Iterable[str]) -> None:
    """Trust what the user's own override words name by ``_target_``."""
    for word in words:
        # A sweep names several, separated by commas.
        for names in _TYPED.findall(word):
            trust(*(name for name in names.split(",") if "." in name))


def trusted() -> list[str]:
    """What was trusted in this process, for handing on to another one."""
    return sorted(_trusted)


def find_part(
    target: Any, where: str, rooms: Sequence[str] = (*ROOMS, MAKERS, *TORCH), own: bool = True
) -> Any:
    """The callable that ``target`` names at the place ``where`` of a config.

    ``own`` says whether what the user trusts counts. Raises MmserError for any other name, and
    where there is none.
    """
    if not isinstance(target, str) or not _NAME.fullmatch(target):
        raise _refused(where, target)
    reasons = [name for name in _trusted if own and within(target, name)]
    if not reasons and not any(within(target, room) for room in rooms):
        raise _refused(where, target)
    part = _located(target)
    # A trusted module may import others: what it only imports is not trusted by it.
    if target in reasons or any(within(_module(part), name) for name in reasons):
        return part
    if not _is_ours(part, target, rooms):
        raise _refused(where, target)
    return part


def check_config(node: Any, where: str = "config") -> None:
    """Raise MmserError when a config names what may not be called, or holds an interpolation.

    An interpolation (``${oc.env:...}``) is resolved where the user's words are composed, and none
    is left afterwards.
    """
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "_target_":
                find_part(value, f"{where}._target_")
            elif any(word in str(key) for word in IMPLEMENTATIONS) and _fetches(value):
                raise _fetching(f"{where}.{key}", value)
            check_config(value, f"{where}.{key}")
    elif isinstance(node, list | tuple):
        for place, value in enumerate(node):
            check_config(value, f"{where}[{place}]")
    elif isinstance(node, str) and "${" in node:
        raise MmserError(f"a plain value at {where}", f"'{node}'", "Write what it stands for.")


def within(name: str, room: str) -> bool:
    """Whether a dotted name is ``room`` or lies in it."""
    return name == room or name.startswith(room + ".")


def _located(target: str) -> Any:
    # As `instantiate` will look it up.
    from hydra.utils import get_object

    try:
        return get_object(target)
    # A module may raise anything while it is imported.
    except Exception as error:
        raise MmserError(
            "parts that can be found and built",
            f"no {target} ({' '.join(str(error).split())})",
            "Correct the name. A class written in a notebook or script (__main__) is known there "
            "alone: run the cell that defines it (its text is in the run's folder, parts/), or "
            "move it into a file that Python can import.",
        ) from error


def _is_ours(part: Any, target: str, rooms: Sequence[str]) -> bool:
    """Whether a part that was located may be called.

    It is a plug-in of mmser under its own name, or a layer or optimizer of torch.
    """
    module = _module(part)
    if not any(within(module, room) for room in rooms):
        return False
    if any(within(module, room) for room in TORCH):
        return inspect.isclass(part) and issubclass(part, _torch_kinds())
    # What a module holds may be a value without a name of its own.
    if f"{module}.{getattr(part, '__qualname__', '')}" != target:
        return False
    if module == MAKERS:
        return inspect.isfunction(part) and not part.__name__.startswith("_")
    return inspect.isclass(part)


def _torch_kinds() -> tuple[type, ...]:
    from torch import nn, optim

    return nn.Module, optim.Optimizer, optim.lr_scheduler.LRScheduler


def _fetches(value: Any) -> bool:
    """Whether the value of such an option is more than a name that transformers itself holds."""
    is_off = value is None or value is False
    is_plain_name = isinstance(value, str) and value.isidentifier()
    return not (is_off or is_plain_name)


def _fetching(where: str, value: Any) -> MmserError:
    return MmserError(f"no code from elsewhere at {where}", str(value), "Take the option out.")


def _module(part: Any) -> str:
    # A module has no `__module__`, and that of some built-in functions is None.
    return str(getattr(part, "__module__", None) or "")


def _refused(where: str, target: Any) -> MmserError:
    name = target if isinstance(target, str) else repr(target)
    return MmserError(
        f"a part of mmser, torch.nn or torch.optim at {where}, or one that you trust",
        f"'{name}'",
        "A config from somebody else could run anything by it. If you know what it does, trust "
        "its module: --trust MODULE, or mmser.trust(CLASS) in Python (for a class of a notebook: "
        "run the cell that defines it first).",
    )
