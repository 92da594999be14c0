"""The notebooks: plain, stored without outputs, and each runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LINES = 30
"""Of one cell at most."""

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_they_are_all_here():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]


@every
def test_stored_without_outputs(path):
    assert all(not cell.outputs and cell.execution_count is None for cell in code(path))


@every
def test_few_lines_a_cell_and_every_figure_says_synthetic(path):
    drawing = [cell.source for cell in code(path) if "plt.subplots" in cell.source]
    assert drawing
    assert all("synthetic" in source for source in drawing)
    assert all(len(cell.source.splitlines()) <= LINES for cell in code(path))


@every
def test_runs(path, tmp_path_factory, monkeypatch):
    """All in one folder: the corpus and the caches that one of them makes serve the others."""
    folder = tmp_path_factory.getbasetemp() / "notebooks"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("MMSER_NOTEBOOKS", str(folder / "work"))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = NotebookClient(
        read(path), timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()
    pictures = [
        output
        for cell in done.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert pictures, "no figure was drawn"
