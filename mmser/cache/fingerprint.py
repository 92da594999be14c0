"""The recipe of a store (all that its values depend on), and its fingerprint of twelve digits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmser.cache.info import read_info
from mmser.cache.layout import INFO
from mmser.core.contracts import Extractor
from mmser.core.errors import MmserError
from mmser.core.moved_names import first_name
from mmser.core.weights import Weights
from mmser.core.word_sources import ReadsFiles, WordSource

DTYPES = ("float16", "float32", "int32", "int64")
DEFAULT_DTYPE = "float32"
CORPUS_TRANSCRIPT = "corpus"
_MEMBERS = ("modality", "gives", "feature_size", "dtype", "version", "sample_rate", "checkpoint")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines the values of one store.

    ``maker`` is the class, ``version`` counts changes of its code that change its output,
    ``parameters`` are JSON values with weights by their digest, ``dtype`` is how values are stored,
    ``transcript`` says where the words came from (only for what reads words): ``{"source": name,
    "parameters": {...}}``. ``files`` are where the parameters known by a digest lay: a hint for
    those who need them again, and no part of the fingerprint; nor is ``share``, which marks a store
    of one share of a corpus ("3/16").
    """

    name: str
    maker: str
    version: int
    parameters: Mapping[str, Any]
    dtype: str = DEFAULT_DTYPE
    transcript: Mapping[str, Any] | None = None
    random_weights: bool = False
    files: Mapping[str, str] = field(default_factory=dict)
    share: str = ""

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of SHA-256 over the canonical JSON of what changes values."""
        content = {
            "maker": self.maker,
            "version": self.version,
            "parameters": self.parameters,
            "dtype": self.dtype,
            "transcript": self.transcript,
        }
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:12]

    @property
    def source(self) -> str:
        """The transcript source for the folder's name: "" for none and for the corpus's own."""
        name = str(self.transcript["source"]) if self.transcript else CORPUS_TRANSCRIPT
        return "" if name == CORPUS_TRANSCRIPT else name

    def info(self) -> dict[str, Any]:
        """The facts of ``info.json`` that are known before anything is extracted."""
        return {
            "extractor": self.name,
            "class": self.maker,
            "version": self.version,
            "parameters": json.loads(canonical(self.parameters)),
            "fingerprint": self.fingerprint,
            "dtype": self.dtype,
            "random_weights": self.random_weights,
            "transcript": json.loads(canonical(self.transcript)),
            **({"files": dict(self.files)} if self.files else {}),
            **({"share": self.share} if self.share else {}),
        }


def recipe_in(info: Mapping[str, Any]) -> Recipe:
    """The recipe that a store's ``info.json`` states, of the whole corpus.

    Raises MmserError when its fingerprint is not the one stated.
    """
    recipe = Recipe(
        info["extractor"],
        info["class"],
        info["version"],
        info["parameters"],
        info["dtype"],
        info.get("transcript"),
        bool(info.get("random_weights")),
        info.get("files") or {},
    )
    if recipe.fingerprint != info["fingerprint"]:
        raise MmserError(
            f"facts of fingerprint {info['fingerprint']} in the {INFO} of {recipe.name}",
            recipe.fingerprint,
            "It was edited: delete that store and preprocess again.",
        )
    return recipe


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
)


def canonical(content: Any) -> str:
    """JSON with sorted keys and no spaces.

    Raises MmserError for what JSON cannot hold (NaN included).
    """
    try:
        return _CANONICAL.encode(content)
    except (TypeError, ValueError) as error:
        remedy = "Correct the extractor's parameters()."
        raise MmserError(
            "parameters that are plain JSON values", f"{content!r} ({error})", remedy
        ) from error


def check_same(recipe: Recipe, info: Path) -> None:
    """Raise MmserError when a store's ``info.json`` is of another recipe; it may be missing."""
    if not info.exists():
        return
    fingerprint = read_info(info.parent).get("fingerprint")
    if fingerprint != recipe.fingerprint:
        raise MmserError(
            f"fingerprint {recipe.fingerprint} in {info}",
            f"{fingerprint}",
            "Move that folder away.",
        )


def text_digest(text: str) -> str:
    """SHA-256 of a text, the first 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def recipe_of(
    name: str, extractor: Extractor, transcript: Mapping[str, Any] | None = None
) -> Recipe:
    """The recipe of an extractor's store, from its class and what it states of itself.

    Raises MmserError for an extractor that lacks a member of its contract, or is stored as a type
    that caches do not have.
    """
    _check_members(name, extractor)
    if extractor.dtype not in DTYPES:
        raise MmserError(
            f"dtype {', '.join(DTYPES)} of extractor {name}",
            f"'{extractor.dtype}'",
            "Correct the extractor.",
        )
    parameters = dict(extractor.parameters())
    checkpoint = extractor.checkpoint
    return Recipe(
        name=name,
        maker=class_name(extractor),
        version=extractor.version,
        parameters=parameters,
        dtype=extractor.dtype,
        transcript=transcript,
        random_weights=checkpoint is not None and checkpoint.is_random,
        files={} if checkpoint is None else _files_of(checkpoint, parameters),
    )


def transcriber_recipe(name: str, transcriber: WordSource, source: str) -> Recipe:
    """The recipe of the transcript store ``name`` that a transcriber fills under ``source``."""
    parameters = dict(transcriber.parameters())
    path = transcriber.path if isinstance(transcriber, ReadsFiles) else None
    return Recipe(
        name,
        class_name(transcriber),
        1,
        parameters,
        transcript={"source": source},
        files={} if path is None else {"weights": str(path.resolve())},
    )


def class_name(maker: Extractor | WordSource) -> str:
    """The dotted name of what made a store: the first one, where the class has moved since."""
    return first_name(f"{type(maker).__module__}.{type(maker).__qualname__}")


def _check_members(name: str, extractor: Extractor) -> None:
    # `dir` reads no property: some of them would load a library.
    lacking = [member for member in _MEMBERS if member not in dir(extractor)]
    if lacking:
        raise MmserError(
            f"the members of `mmser.core.contracts.Extractor` in extractor {name}",
            f"no {', '.join(lacking)}",
            "State them as class attributes.",
        )


def _files_of(checkpoint: Weights, parameters: Mapping[str, Any]) -> dict[str, str]:
    """{argument that is known by a digest: the file or folder it names on this machine}."""
    path = checkpoint.local
    if path is None:
        return {}
    return {name: str(path.resolve()) for name, value in parameters.items() if is_digest(value)}


def is_digest(value: Any) -> bool:
    """Whether a parameter is the digest of a file or a folder."""
    return isinstance(value, str) and value.startswith("sha256:")
