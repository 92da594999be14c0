"""House rules that a machine can check: sizes, names, plug-in rooms, where
DictConfig may appear.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "mmser").rglob("*.py"))
FILE_LINES, FUNCTION_LINES = 320, 60
BANNED = {"utils", "helpers", "common", "base", "manager", "misc"}
PLUGIN_ROOMS = [
    "corpora",
    "extractors/audio",
    "extractors/text",
    "extractors/face",
    "models/encoders/audio",
    "models/encoders/sequence",
    "models/encoders/text",
    "models/fusion",
    "models/heads",
    "objectives/losses",
    "objectives/paradigms",
    "objectives/terms",
    "media/transcription",
]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_size_name_and_docstring(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= FILE_LINES
    assert path.stem not in BANNED
    assert ast.get_docstring(tree_of(path)), "a module opens with what it is"


def test_functions_are_short() -> None:
    """Code lines: the docstring does not count."""
    long = []
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documented = len((ast.get_docstring(node, clean=False) or "").splitlines())
                if (node.end_lineno or 0) - node.lineno + 1 - documented > FUNCTION_LINES:
                    long.append(f"{named(path)}:{node.lineno} {node.name}")
    assert long == []


@pytest.mark.parametrize("room", PLUGIN_ROOMS)
def test_a_plugin_rooms_init_is_a_docstring_alone(room: str) -> None:
    """So is that of a plug-in that is a folder."""
    for path in (ROOT / "mmser" / room).rglob("__init__.py"):
        body = tree_of(path).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr), named(path)


@pytest.mark.parametrize(("room", "main"), [("encoders/audio", "encoder"), ("fusion", "fusion")])
def test_a_plugin_that_is_a_folder_names_its_main_file(room: str, main: str) -> None:
    folders = [path.parent for path in (ROOT / "mmser/models" / room).glob("*/__init__.py")]
    assert folders, "a paper with layers of its own"
    assert [named(folder) for folder in folders if not (folder / f"{main}.py").is_file()] == []


def test_layers_lie_in_rooms() -> None:
    layers = ROOT / "mmser/models/layers"
    assert [path.name for path in layers.glob("*.py")] == ["__init__.py"]


READING = ("pickle.load", "pickle.Unpickler", "joblib.load", "dill.load")


def test_no_assert_and_no_pickle_in_the_package() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            unpickles = isinstance(node, ast.Call) and ast.unparse(node.func).startswith(READING)
            if unpickles or isinstance(node, ast.Assert):
                found.append(f"{named(path)}:{node.lineno}")
    assert found == []


def test_torch_load_reads_weights_only() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                safe = any(
                    k.arg == "weights_only" and getattr(k.value, "value", None) is True
                    for k in node.keywords
                )
                found += [] if safe else [f"{named(path)}:{node.lineno}"]
    assert found == []


def test_dictconfig_appears_where_configs_are_composed_alone() -> None:
    using = {
        named(path)
        for path in SOURCES
        if any(
            isinstance(node, ast.Name) and node.id == "DictConfig"
            for node in ast.walk(tree_of(path))
        )
    }
    assert using <= {"mmser/composition/composing.py"}
