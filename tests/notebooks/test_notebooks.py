"""The notebooks: what they show is stored with them, and each runs from its first cell to its last."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STORING = runpy.run_path(str(ROOT / "scripts" / "run_notebooks.py"))
LINES = 30
"""Of one cell at most."""

LINES_SHOWN = 40
"""Of one cell's text."""

KIB = 400
"""Of one file."""

SMALLER = {
    '"corpus.utterances_per_speaker=4",': '"corpus.utterances_per_speaker=1", "trainer.epochs=2",',
    'SYSTEM = "statistics_svm"': 'SYSTEM = "functionals_svm"',
    "system=SYSTEM, **DATA": 'system=SYSTEM, audio="mfcc", **DATA',
    'audio="functionals", **DATA': 'audio="log_mel", **DATA',
}
"""What stands in a cell, and what is run in its place: a clip of each speaker, few epochs,
and neither Whisper nor openSMILE. A reader sees what the cells say."""

TOLD = ("Traceback", "Warning", "warning")

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def pictures(cells: list[Any]) -> list[Any]:
    return [
        output
        for cell in cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def shown(cell: Any) -> str:
    """The text of a cell's outputs: what was printed, tables, the beginning of a player."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        data = output.get("data", {})
        texts += [re.sub(r"base64,[^\"]*", "", data[kind]) for kind in data if "png" not in kind]
    return "\n".join(texts)


def test_they_are_all_here() -> None:
    numbers = [path.stem[:2] for path in NOTEBOOKS]
    assert numbers == ["01", "02", "03", "04", "05", "06", "07"]


@every
def test_what_the_cells_show_is_stored(path: Path) -> None:
    """Of this very code, run once from top to bottom, and nothing of the machine that ran it."""
    cells = code(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert read(path).metadata["stored_of"] == STORING["digest"](read(path)), "run it again"
    assert pictures(cells)
    assert path.stat().st_size < KIB * 1024
    for cell in cells:
        text = shown(cell)
        assert not STORING["TELLTALE"].search(text), text
        assert not any(word in text for word in TOLD), text
        assert not [output for output in cell.outputs if output.output_type == "error"]
        assert not [output for output in cell.outputs if output.get("name") == "stderr"]
        printed = [output.get("text", "") for output in cell.outputs]
        assert "".join(printed).count("\n") <= LINES_SHOWN, cell.source


@every
def test_few_lines_a_cell_and_every_figure_says_what_it_is_of(path: Path) -> None:
    drawing = [cell.source for cell in code(path) if "plt.subplots" in cell.source]
    data = "EMO-DB" if path.stem.startswith("07") else "synthetic"
    assert drawing
    assert all(data in source for source in drawing)
    assert all(len(cell.source.splitlines()) <= LINES for cell in code(path))


def test_each_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one kernel and one folder: libraries are loaded once, and the corpus and the caches that
    one of them makes serve the others.
    """
    monkeypatch.setenv("MMSER_NOTEBOOKS", str(tmp_path / "work"))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(cwd=str(tmp_path))
    used = set()
    try:
        for path in NOTEBOOKS:
            notebook = read(path)
            for cell in notebook.cells:
                used |= {old for old in SMALLER if old in cell.source}
                for old, new in SMALLER.items():
                    cell.source = cell.source.replace(old, new)
            notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
            NotebookClient(notebook, km=kernel, timeout=300).execute()
            assert pictures(notebook.cells), f"{path.stem}: no figure was drawn"
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    assert not any(word in shown(cell) for word in TOLD), (path.stem, shown(cell))
    finally:
        kernel.shutdown_kernel(now=True)
    assert used == set(SMALLER)
