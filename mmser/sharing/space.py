"""A trained run as a folder that the Hugging Face Hub runs as a Space, and `python app.py` here.

::

    app.py               serves the page of `mmser app`
    requirements.txt     the packages of this machine that it needs, at their versions
    README.md            front matter of a Space
    model/               the model folder
    weights/             pretrained weights that its extractors and recogniser read
    mmser/               this version of mmser, with its configs

mmser itself travels along: what was exported by one version is run by that version.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

import mmser
from mmser import __version__
from mmser.cache.atomic import write_bytes
from mmser.cache.fingerprint import is_digest
from mmser.composition import load_part
from mmser.core.configs import config_dir
from mmser.core.needed_package import need_package
from mmser.core.paths import expanded
from mmser.extraction.extractor_files import file_of
from mmser.inference.model_folder import CARD, PATTERNS, ModelFolder, is_model_folder
from mmser.inference.reader import Reader
from mmser.inference.timeline import find_transcriber
from mmser.inference.trained import Trained, TrainedRun
from mmser.sharing.card import UNKNOWN
from mmser.sharing.export import check_new, export
from mmser.training.run import Run

MODEL, WEIGHTS, PACKAGE = "model", "weights", "mmser"
ALWAYS = ("vad", "annotations")
"""Extras that the page is better with: the detector of speech, formats of annotation tools."""

APP = '''"""{title}: a page to try it. Run: python app.py"""

from __future__ import annotations

import os
from pathlib import Path

from mmser.app.serve import serve_folder

HERE = Path(__file__).resolve().parent
FILES = {files}
"""What its extractors read of weights/."""

if __name__ == "__main__":
    serve_folder(
        HERE / "{model}",
        weights=HERE / "{weights}",
        named_files=FILES,
        asr={asr!r},
        # A Space says where it wants to be asked.
        host=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        port=int(os.environ.get("GRADIO_SERVER_PORT", "7860")),
    )
'''

ABOUT = """Upload or record speech and see its emotions over time: a system trained with mmser.
[Its model card](model/README.md) says what it was trained and tested on.

Here: `pip install -r requirements.txt`, then `python app.py`. An expressed emotion is not a felt
one: do not use this to judge persons, nor on recordings of people who have not agreed.
"""


def export_space(
    source: Run | str | Path,
    out: str | Path,
    fold: str | None = None,
    seed: int | None = None,
    license: str = UNKNOWN,
    asr: str | None = None,
    weights: str | None = None,
) -> Path:
    """Write the Space of a run or a model folder to ``out``, a new or empty folder; -> ``out``.

    ``fold``, ``seed`` and ``license`` are those of `export`; ``asr`` is the recogniser of a system
    that reads text, ``weights`` the folder of pretrained weights here. Raises MmserError where
    Gradio or a file that an extractor reads is not here, and as `export` does.
    """
    need_package("gradio", "app")
    folder = Path(out)
    check_new(folder, "--space")
    trained = _opened(source, weights)
    reader = Reader(trained)
    transcriber = find_transcriber(reader, asr)
    if isinstance(trained, ModelFolder):
        _copy_model(trained.directory, folder / MODEL)
    else:
        export(source, folder / MODEL, fold, seed, license)
    model = ModelFolder(folder / MODEL)
    files = _copy_files(trained, folder)
    path = getattr(transcriber, "path", None)
    if isinstance(path, Path):
        _copy(path, folder / WEIGHTS / _below(path, expanded(trained.weights)))
    _copy_package(folder / PACKAGE)
    title = model.name
    write_bytes(folder / "app.py", _app(title, files, asr).encode())
    write_bytes(folder / "README.md", _readme(title, folder / MODEL / CARD).encode())
    text = "".join(f"{line}\n" for line in requirements(model.config, asr))
    write_bytes(folder / "requirements.txt", text.encode())
    return folder


def requirements(config: Mapping[str, Any], asr: str | None = None) -> list[str]:
    """The packages that a model folder's page needs, each at its version here, sorted."""
    extras = {"", *ALWAYS, *_extras(json.dumps(config), asr or "")}
    names = {"gradio"}
    for line in importlib.metadata.requires("mmser") or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
            names.add(requirement.name)
    return list(_pinned(sorted(names, key=str.lower)))


def _extras(config: str, asr: str) -> Iterator[str]:
    """The extras that a system's parts or its recogniser come from."""
    if "opensmile" in config:
        yield "opensmile"
    if '"lora_rank": ' in config and '"lora_rank": null' not in config:
        yield "lora"
    yield from (extra for extra in ("pocketsphinx", "faster-whisper") if extra in asr + config)


def _pinned(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            # An extra that this machine does without.
            continue
        # "+cpu" names a build that the usual index has not.
        yield f"{name}=={version.partition('+')[0]}"


def _opened(source: Run | str | Path, weights: str | None) -> Trained:
    if isinstance(source, Run):
        return TrainedRun(source, weights)
    folder = Path(source)
    return ModelFolder(folder, weights) if is_model_folder(folder) else _run(folder, weights)


def _run(folder: Path, weights: str | None) -> TrainedRun:
    return TrainedRun(Run(folder), weights)


def _copy_model(source: Path, target: Path) -> None:
    for pattern in PATTERNS:
        for path in source.glob(pattern):
            _copy(path, target / path.relative_to(source))


def _copy_files(trained: Trained, folder: Path) -> dict[str, dict[str, str]]:
    """Copy what extractors know by its digest to weights/; -> {extractor: {argument: place}}."""
    named: dict[str, dict[str, str]] = {}
    places: dict[Path, str] = {}
    for source in trained.sources.values():
        info = source.info
        name = str(info["extractor"])
        part = load_part("extractor", name, {"weights": trained.weights})
        for key, value in info["parameters"].items():
            if not is_digest(value):
                continue
            given = (trained.named_files or {}).get(name, {}).get(key)
            path = file_of(info, key, part, given)
            if path not in places:
                places[path] = f"{WEIGHTS}/{len(places)}-{path.name}"
                _copy(path, folder / places[path])
            named.setdefault(name, {})[key] = places[path]
    return named


def _below(path: Path, folder: Path) -> Path:
    """Where a recogniser's model lies in the folder of weights, which is where it is looked for."""
    inside = path.is_relative_to(folder)
    return path.relative_to(folder) if inside else Path(path.parent.name, path.name)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def _copy_package(target: Path) -> None:
    """mmser's code, configs and licence."""
    package = Path(mmser.__file__).parent
    no_code = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyi~")
    shutil.copytree(package, target, ignore=no_code)
    if not (target / "configs").is_dir():
        shutil.copytree(config_dir(), target / "configs", ignore=no_code)
    licence = package.parent / "LICENSE"
    text = (
        licence.read_text(encoding="utf-8")
        if licence.is_file()
        else importlib.metadata.distribution("mmser").read_text("licenses/LICENSE")
    )
    write_bytes(target / "LICENSE", (text or "").encode())


def _app(title: str, files: Mapping[str, Mapping[str, str]], asr: str | None) -> str:
    # The title is somebody's: no quote of it ends the docstring.
    plain = "".join(letter for letter in title if letter.isalnum() or letter in " _-.,+")
    shown = json.dumps(files, indent=4, sort_keys=True)
    return APP.format(title=plain, files=shown, model=MODEL, weights=WEIGHTS, asr=asr)


def _readme(title: str, card: Path) -> str:
    front = yaml.safe_load(card.read_text(encoding="utf-8").split("---\n")[1]) or {}
    content = {
        "title": title,
        "emoji": "🎭",
        "colorFrom": "blue",
        "colorTo": "gray",
        "sdk": "gradio",
        "sdk_version": importlib.metadata.version("gradio"),
        "python_version": ".".join(sys.version.split(".")[:2]),
        "app_file": "app.py",
        "license": front.get("license", UNKNOWN),
        "tags": front.get("tags", []),
        "suggested_hardware": "cpu-basic",
    }
    header = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return f"---\n{header}---\n\n# {title}\n\n{ABOUT}\nWritten by mmser {__version__}.\n"
