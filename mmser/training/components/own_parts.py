"""Parts of a system given as Python classes: written in a notebook cell or a script, trained like
any part of mmser.

In the config such a part is what a config file would say, ``_target_`` and flat arguments, and a
digest of the text that defines it (the cell, or the file): who changes the class gets another run.
The text lies beside the models, in ``<run>/parts/``, for the record; nothing of mmser ever executes
it from there. Who hands a class over trusts it until the process ends; a later one asks for the
word again (`mmser.core.trust`).
"""

from __future__ import annotations

import copy
import hashlib
import inspect
import linecache
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mmser.cache.atomic import write_bytes
from mmser.composition.places import full_key
from mmser.core.errors import UsageError
from mmser.core.file_names import file_name
from mmser.core.trust import trust
from mmser.runs.run_paths import PARTS

HERE = "__main__"
"""The module of whatever a notebook or a script defines; other processes have another one."""

Part = Callable[..., Any]
_log = logging.getLogger(__name__)


def with_parts(settings: Mapping[str, Any], parts: Mapping[str, Part]) -> dict[str, Any]:
    """The settings with each part in its place: {"fusion": MyFusion, "objective":
    partial(MyLoss, weight=0.5)}. ``model.fusion`` is the same place as ``fusion``.

    Raises UsageError for a place that the settings do not have, for anything but a class at the top
    of a cell or file (or ``functools.partial`` of one with plain keyword arguments), and when its
    text cannot be read.
    """
    made = copy.deepcopy(dict(settings))
    for word, part in parts.items():
        place = full_key(word)
        node, last = _parent(made, place)
        trust(_class_of(part))
        node[last] = {"_target_": _target(_class_of(part)), "_partial_": True, **_arguments(part)}
        digest = hashlib.sha256(source_of(part).encode()).hexdigest()[:12]
        made[PARTS] = {**(made.get(PARTS) or {}), place: digest}
    if (
        any(_class_of(part).__module__ == HERE for part in parts.values())
        and made["trainer"]["jobs"] != 1
    ):
        _log.info(
            "trainer.jobs=1: other processes do not know the classes of this notebook or script"
        )
        made["trainer"]["jobs"] = 1
    names = "+".join(_class_of(part).__name__ for part in parts.values())
    made["card"] = {
        **(made.get("card") or {}),
        "name": f"{(made.get('card') or {}).get('name', 'system')}+{names}",
    }
    return made


def keep_sources(directory: Path, parts: Mapping[str, Part]) -> None:
    """Write the text that defines each part to ``<directory>/parts/<place>.py``."""
    for word, part in parts.items():
        path = directory / PARTS / f"{file_name(full_key(word))}.py"
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, source_of(part).encode())


def source_of(part: Part) -> str:
    """The cell or the file that defines a part. Raises UsageError when it is not known, as in an
    interactive shell.
    """
    found = _class_of(part)
    for member in vars(found).values():
        if inspect.isfunction(member):
            lines = linecache.getlines(member.__code__.co_filename)
            if lines:
                return "".join(lines)
    raise UsageError(
        f"the text that defines {found.__name__}",
        "none",
        "Define it in a notebook cell or a file, with a method.",
    )


def _class_of(part: Part) -> type:
    found = part.func if isinstance(part, partial) else part
    if not inspect.isclass(found) or "<locals>" in found.__qualname__:
        raise UsageError(
            "a class defined at the top of a cell or file, or functools.partial of one",
            repr(part),
            "Write it so.",
        )
    return found


def _target(part: type) -> str:
    return f"{part.__module__}.{part.__qualname__}"


def _arguments(part: Part) -> dict[str, Any]:
    if not isinstance(part, partial):
        return {}
    wrong = [name for name, value in part.keywords.items() if not _plain(value)]
    if part.args or wrong:
        found = f"{', '.join(wrong)}" if wrong else "arguments by place"
        raise UsageError(
            "keyword arguments that are numbers, words or lists of them",
            found,
            "Only these are saved.",
        )
    return dict(part.keywords)


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def _parent(settings: dict[str, Any], place: str) -> tuple[dict[str, Any], str]:
    *parents, last = place.split(".")
    node: Any = settings
    for parent in parents:
        node = node.get(parent) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        raise UsageError(
            "the place of a component, such as fusion, encoders.audio, head or objective",
            f"'{place}'",
            "Name one that the system has (config.yaml of any run shows them).",
        )
    return node, last
