"""What a store was remedy by, and twelve hexadecimal digits that stand for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmser.cache.info import read_info
from mmser.core.contracts import Extractor, Transcriber
from mmser.core.errors import MmserError
from mmser.core.moved_names import first_name
from mmser.core.paths import expanded

DTYPES = ("float16", "float32", "int32", "int64")
DEFAULT_DTYPE = "float32"
CORPUS_TRANSCRIPT = "corpus"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines the values of one store.

    ``maker`` is the class, ``version`` counts changes of its code that change its output,
    ``parameters`` are JSON values with weights by their digest, ``dtype`` is how values are stored,
    ``transcript`` says where the words came from (only for what reads words): ``{"source": name,
    "parameters": {...}}``. ``files`` are where the parameters known by a digest lay: a hint for
    those who need them again, and no part of the fingerprint.
    """

    name: str
    maker: str
    version: int
    parameters: Mapping[str, Any]
    dtype: str = DEFAULT_DTYPE
    transcript: Mapping[str, Any] | None = None
    random_weights: bool = False
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits of SHA-256 over the canonical JSON of all that
        changes values.
        """
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
        }


def canonical(content: Any) -> str:
    """JSON with sorted keys and no spaces. Raises MmserError for what JSON cannot hold (NaN
    included).
    """
    try:
        return json.dumps(
            content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        )
    except (TypeError, ValueError) as error:
        remedy = "Mend the extractor's parameters()."
        raise MmserError(
            "parameters that are plain JSON values", f"{content!r} ({error})", remedy
        ) from error


def check_same(recipe: Recipe, info: Path) -> None:
    """Raise MmserError when the ``info.json`` of a store tells of another recipe; a missing file is
    fine.
    """
    if not info.exists():
        return
    found = read_info(info.parent).get("fingerprint")
    if found != recipe.fingerprint:
        raise MmserError(
            f"fingerprint {recipe.fingerprint} in {info}", f"{found}", "Move that folder away."
        )


def text_digest(text: str) -> str:
    """SHA-256 of a text, the first 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def recipe_of(
    name: str,
    maker: Extractor | Transcriber,
    transcript: Mapping[str, Any] | None = None,
    dtype: str | None = None,
) -> Recipe:
    """The recipe of an extractor or a transcriber, from its class, ``parameters()`` and three
    optional attributes.

    ``version`` (int, default 1), ``dtype`` ("float16" where its author has shown that to be
    harmless; integers stay integers; default "float32") and ``random_weights`` (bool; else true
    when the parameter ``weights`` is "random").
    """
    parameters = dict(maker.parameters())
    stored = dtype or getattr(maker, "dtype", DEFAULT_DTYPE)
    if stored not in DTYPES:
        raise MmserError(
            f"dtype {', '.join(DTYPES)} of extractor {name}", f"'{stored}'", "Mend the extractor."
        )
    return Recipe(
        name=name,
        maker=first_name(f"{type(maker).__module__}.{type(maker).__qualname__}"),
        version=int(getattr(maker, "version", 1)),
        parameters=parameters,
        dtype=stored,
        transcript=transcript,
        random_weights=bool(
            getattr(
                maker, "random_weights", str(parameters.get("weights", "")).startswith("random")
            )
        ),
        files=_files_of(maker, parameters),
    )


def _files_of(maker: Extractor | Transcriber, parameters: Mapping[str, Any]) -> dict[str, str]:
    """{argument that is known by a digest: the file or folder it names on this machine}."""
    files = {}
    for name in [name for name, value in parameters.items() if is_digest(value)]:
        named = getattr(maker, name, None)
        path = (
            maker.checkpoint.local
            if name == "weights" and hasattr(maker, "checkpoint")
            else named and Path(named)
        )
        if path:
            files[name] = str(expanded(path).resolve())
    return files


def is_digest(value: Any) -> bool:
    """Whether a parameter is the digest of a file or a folder."""
    return isinstance(value, str) and value.startswith("sha256:")
