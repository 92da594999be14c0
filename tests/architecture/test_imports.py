"""The layers hold, and what must stay light stays light."""

from __future__ import annotations

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "transformers",
    "whisper",
    "facenet_pytorch",
    "lightning",
    "sklearn",
    "av",
    "matplotlib",
    "pandas",
)


def test_import_contracts_hold() -> None:
    """`lint-imports`, with the contracts of pyproject.toml."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_files_import_each_other() -> None:
    """Not within functions, for types alone or by way of a third file either."""
    graph = grimp.build_graph("mmser", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert list(TopologicalSorter(imports).static_order())  # CycleError names the circle


def modules_after(statement: str) -> set[str]:
    code = (
        f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in "
        f"sys.modules}}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    loaded = modules_after(
        "import contextlib, mmser.cli\nwith contextlib.suppress(SystemExit): "
        "mmser.cli.main(['--help'])"
    )
    assert "mmser" in loaded
    assert not loaded & set(HEAVY)


def test_models_need_torch_alone() -> None:
    """The one model and its plug-ins import on a machine that has torch and nothing else of the
    dependencies.
    """
    plugins = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "mmser" / "models").rglob("*.py")
        if path.name != "__init__.py" and not path.stem.endswith("_triton")
    ]
    loaded = modules_after(f"import {', '.join(sorted(plugins))}")
    others = {
        "hydra",
        "omegaconf",
        "pandas",
        "pyarrow",
        "lightning",
        "av",
        "facenet_pytorch",
        "whisper",
        "sklearn",
    }
    assert "torch" in loaded
    assert not loaded & (
        others | {"transformers", "torchvision", "torchaudio", "librosa", "soundfile"}
    )
