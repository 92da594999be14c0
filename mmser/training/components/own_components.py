"""Components of a system given as Python classes, trained like any component of mmser.

They are written in a notebook cell or a script. In the config such a component is what a config
file would say, ``_target_`` and flat arguments, and a digest of the text that defines it (the cell,
or the file): who changes the class gets another run. The text lies beside the models, in
``<run>/parts/``, for the record; nothing of mmser ever executes it from there. Who hands a class
over trusts it until the process ends; a later process must be told again to trust it
(`mmser.core.trust`).
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

Component = Callable[..., Any]
_log = logging.getLogger(__name__)


def with_components(
    settings: Mapping[str, Any], components: Mapping[str, Component]
) -> dict[str, Any]:
    """The settings with each component in its place.

    As in {"fusion": MyFusion, "objective": partial(MyLoss, weight=0.5)}; ``model.fusion`` is the
    same place as ``fusion``.

    Raises UsageError for a place that the settings do not have, for anything but a class at the top
    of a cell or file (or ``functools.partial`` of one with plain keyword arguments), and when its
    text cannot be read.
    """
    changed = copy.deepcopy(dict(settings))
    digests = dict(changed.get(PARTS) or {})
    for word, component in components.items():
        place = full_key(word)
        node, last = _parent(changed, place)
        own = _class_of(component)
        trust(own)
        node[last] = {"_target_": _target(own), "_partial_": True, **_arguments(component)}
        digests[place] = hashlib.sha256(source_of(component).encode()).hexdigest()[:12]
    if not components:
        return changed
    changed[PARTS] = digests
    classes = [_class_of(component) for component in components.values()]
    if any(own.__module__ == HERE for own in classes) and changed["trainer"]["jobs"] != 1:
        _log.info(
            "trainer.jobs=1: other processes do not know the classes of this notebook or script"
        )
        changed["trainer"]["jobs"] = 1
    card = changed.get("card") or {}
    names = "+".join(own.__name__ for own in classes)
    changed["card"] = {**card, "name": f"{card.get('name', 'system')}+{names}"}
    return changed


def keep_sources(directory: Path, components: Mapping[str, Component]) -> None:
    """Write the text that defines each component to ``<directory>/parts/<place>.py``."""
    for word, component in components.items():
        path = directory / PARTS / f"{file_name(full_key(word))}.py"
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, source_of(component).encode())


def source_of(component: Component) -> str:
    """The cell or the file that defines a component.

    Raises UsageError when it is not known, as in an interactive shell.
    """
    defining_class = _class_of(component)
    # `inspect.getsource` does not find a class of a notebook cell; its methods name their cell.
    for member in vars(defining_class).values():
        if inspect.isfunction(member):
            lines = linecache.getlines(member.__code__.co_filename)
            if lines:
                return "".join(lines)
    raise UsageError(
        f"the text that defines {defining_class.__name__}",
        "none",
        "Define it in a notebook cell or a file, with a method.",
    )


def _class_of(component: Component) -> type:
    defining_class = component.func if isinstance(component, partial) else component
    # A class inside a function cannot be imported by its dotted name.
    if not inspect.isclass(defining_class) or "<locals>" in defining_class.__qualname__:
        raise UsageError(
            "a class defined at the top of a cell or file, or functools.partial of one",
            repr(component),
            "Write it so.",
        )
    return defining_class


def _target(component: type) -> str:
    return f"{component.__module__}.{component.__qualname__}"


def _arguments(component: Component) -> dict[str, Any]:
    if not isinstance(component, partial):
        return {}
    wrong = [name for name, value in component.keywords.items() if not _plain(value)]
    if component.args or wrong:
        raise UsageError(
            "keyword arguments that are numbers, words or lists of them",
            ", ".join(wrong) or "arguments by place",
            "Only these are saved.",
        )
    return dict(component.keywords)


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
