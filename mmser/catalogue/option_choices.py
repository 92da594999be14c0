"""The options of a section of the settings and the words that each may be.

The source is parsed, not imported: what the ranges are checked with loads numerical libraries, and
a shell that completes a word waits for the answer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

SETTINGS = Path(__file__).resolve().parents[1] / "settings"
FIXED = {"Flag": ("true", "false"), "Null": ("null",)}
"""The words of ranges that take no argument."""


@cache
def option_choices(module: str, section: str) -> dict[str, tuple[str, ...]]:
    """{option: its words} of a dataclass in ``mmser/settings/<module>.py``; no words: any value."""
    tree = ast.parse((SETTINGS / f"{module}.py").read_text(encoding="utf-8"))
    constants = _constants(tree)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    options = {}
    for node in classes[section].body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            options[node.target.id] = tuple(dict.fromkeys(_words(node.annotation, constants)))
    return options


def _constants(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """Names that stand for several words.

    They are ``A = ("x", "y")``, ``A = Literal["x", "y"]`` and ``B = get_args(A)``.
    """
    known: dict[str, tuple[str, ...]] = {}
    for node in tree.body:
        if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
            continue
        value = node.value.slice if isinstance(node.value, ast.Subscript) else node.value
        if isinstance(value, ast.Call):
            words = next((known[name] for name in _names(value) if name in known), ())
        elif isinstance(value, ast.Tuple):
            constants = [each for each in value.elts if isinstance(each, ast.Constant)]
            words = tuple(map(_written, constants))
        else:
            continue
        known[node.targets[0].id] = words
    return known


def _names(node: ast.AST) -> list[str]:
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]


def _words(annotation: ast.expr, constants: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The words of ``OneOf(...)``, ``Flag()`` and ``Null()`` within an annotation."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield from constants.get(node.id, ())
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id == "OneOf":
            plain = (each for each in node.args if not isinstance(each, ast.Starred))
            yield from map(_written, plain)
        yield from FIXED.get(node.func.id, ())


def _written(node: ast.expr) -> str:
    """A constant as a command has it: true and false in small letters."""
    value = ast.literal_eval(node)
    return str(value).lower() if isinstance(value, bool) else str(value)
