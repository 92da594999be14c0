"""Files that extractors read, such as weights.

A store identifies them by their digest; the path where they lay is a hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmser.cache.fingerprint import is_digest
from mmser.core.errors import MmserError, UsageError
from mmser.core.file_digest import digest
from mmser.core.paths import expanded
from mmser.core.weights import Weights

Named = Mapping[str, Mapping[str, str]]
"""{extractor: {argument: file or folder}}, as a user names them:
``extractor.glove.weights=PATH``.
"""
_WORD = re.compile(r"extractor\.(\w+)\.(\w+)=(.+)")


def named_files(words: Sequence[str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """The files named by words such as ``extractor.glove.weights=PATH``, and the other words."""
    named: dict[str, dict[str, str]] = {}
    others = []
    for word in words:
        match = _WORD.fullmatch(word)
        if match:
            named.setdefault(match[1], {})[match[2]] = match[3]
        else:
            others.append(word)
    return named, others


def check_named(named: Named, infos: Iterable[Mapping[str, Any]]) -> None:
    """Raise UsageError unless an extractor of these stores reads each file that was named."""
    options: set[str] = set()
    for info in infos:
        digests = [key for key, value in info["parameters"].items() if is_digest(value)]
        options.update(f"extractor.{info['extractor']}.{key}" for key in digests)
    keys: set[str] = set()
    for name, files in named.items():
        keys.update(f"extractor.{name}.{key}" for key in files)
    unknown = sorted(keys - options)
    if unknown:
        expected = (
            " or ".join(f"{key}=PATH" for key in sorted(options))
            or "no file: none of the extractors reads one"
        )
        raise UsageError(expected, ", ".join(unknown), "Leave it out.")


def file_of(info: Mapping[str, Any], key: str, part: Mapping[str, Any], named: str | None) -> Path:
    """The file or folder with the digest in ``info``.

    It is sought where the user says (``named``), or else where it lay and where the config ``part``
    says. Raises MmserError naming the places where it is not.
    """
    name, digest_then = str(info["extractor"]), info["parameters"][key]
    default = Weights(str(part.get(key) or ""), folder=str(part.get("weights_folder", "weights")))
    if named:
        places = [expanded(named)]
    else:
        places = _hint(info, key)
        if default.source:
            places += default.places
    for place in places:
        if place.exists() and f"sha256:{digest(place)}" == digest_then:
            return place
    looked = " or ".join(map(str, dict.fromkeys(places))) or "any place: no path of it is known"
    raise MmserError(
        f"the file or folder `{key}` that made {name}-{info['fingerprint']} "
        f"({digest_then[:19]}...)",
        f"nothing with that digest at {looked}",
        f"Say where it is: extractor.{name}.{key}=PATH (`mmser predict` and `mmser robustness` "
        "take it).",
    )


def _hint(info: Mapping[str, Any], key: str) -> list[Path]:
    path = (info.get("files") or {}).get(key)
    return [Path(path)] if path else []
