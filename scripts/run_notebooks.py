"""Run the notebooks and store what they show: tables, pictures and text, so that they are read
without being run.

    python scripts/run_notebooks.py
    python scripts/run_notebooks.py 07_real_speech --weights weights

Each is run in a kernel of its own, all in one new folder: what one makes serves the others. Lines
of progress go, pictures are made small, and nothing that tells of this machine is kept.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
WORK = "notebook-work"
"""Where the notebooks write, unless MMSER_NOTEBOOKS says otherwise."""

KINDS = ("image/png", "text/html", "text/plain")
"""What of an output is kept; widgets are nothing without their kernel."""

COLORS = 64
"""Of a stored picture: plots have fewer."""

TELLTALE = re.compile(r"/(tmp|home|root|Users|work|private)/|Traceback|Warning\b")
"""What no stored output has: this machine's folders, warnings, errors."""


def main() -> None:
    """Run the named notebooks, or all of them, and write them back."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="notebooks, such as 07_real_speech (all)")
    parser.add_argument("--weights", type=Path, help="a folder of weights that lie here already")
    options = parser.parse_args()
    paths = [FOLDER / f"{name}.ipynb" for name in options.names] or sorted(FOLDER.glob("*.ipynb"))
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    os.environ.pop("MMSER_NOTEBOOKS", None)
    with TemporaryDirectory() as folder:
        if options.weights is not None:
            shutil.copytree(options.weights, Path(folder) / WORK / "weights")
        for path in paths:
            notebook = nbformat.read(path, as_version=4)
            resources = {"metadata": {"path": folder}}
            NotebookClient(notebook, timeout=3600, resources=resources).execute()
            trim(notebook, folder)
            nbformat.write(notebook, path)
            print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def trim(notebook: NotebookNode, folder: str) -> None:
    """Keep what a reader looks at. Raises ValueError where an output tells of this machine."""
    for number, cell in enumerate(code_cells(notebook)):
        cell.metadata.clear()
        cell.outputs = [kept for output in cell.outputs for kept in _kept(output, folder)]
        said = "".join(str(value) for output in cell.outputs for value in _texts(output))
        if TELLTALE.search(said):
            raise ValueError(f"cell {number}: {TELLTALE.search(said)} in {said[:500]}")
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["stored_of"] = digest(notebook)


def digest(notebook: NotebookNode) -> str:
    """Of the code that made the outputs: another digest tells that they are old."""
    code = "\0".join(cell.source for cell in code_cells(notebook))
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that are run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _kept(output: NotebookNode, folder: str) -> Iterable[NotebookNode]:
    """The output without this machine's folders; nothing of lines of progress."""
    if output.output_type == "stream":
        if output.name == "stdout":
            output.text = _here(output.text, folder)
            yield output
        return
    data = {kind: output.data[kind] for kind in KINDS if kind in output.get("data", {})}
    if not data:
        return
    if "image/png" in data:
        # What a picture is called in text is no news.
        data = {"image/png": _small(data["image/png"])}
    output.data = NotebookNode({kind: _here(value, folder) for kind, value in data.items()})
    output.metadata = NotebookNode()
    yield output


def _texts(output: NotebookNode) -> list[Any]:
    if output.output_type == "stream":
        return [output.text]
    return [value for kind, value in output.data.items() if kind != "image/png"]


def _here(text: str, folder: str) -> str:
    """Paths in the folder of the run as they are from there."""
    return text.replace(f"{os.path.realpath(folder)}/", "").replace(f"{folder}/", "")


def _small(png: str) -> str:
    """A picture of few colours, in base64."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    stored = io.BytesIO()
    picture.quantize(COLORS, dither=Image.Dither.NONE).save(stored, "PNG", optimize=True)
    return base64.b64encode(stored.getvalue()).decode()


if __name__ == "__main__":
    main()
