"""Arrays that others have made become a store like any extractor's.

Every system can read it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe, canonical, text_digest
from mmser.cache.growing import GrowingTable
from mmser.cache.layout import LOCK, checked_name, store_directory
from mmser.cache.lock import locked
from mmser.cache.manifests import keep_manifest
from mmser.cache.writer import Writer, open_writer
from mmser.core.clip import Failure, Features, Modality
from mmser.core.contracts import Corpus
from mmser.core.errors import MmserError
from mmser.corpora.manifest import to_table, write_manifest
from mmser.extraction.summary import check_failures, summary_row, summary_table

if TYPE_CHECKING:
    import pandas as pd

MAKER = "mmser.extraction.import_features"
ABSENT = "no array for this utterance among the imported ones"


def import_features(
    corpus: Corpus,
    name: str,
    arrays: Mapping[str, np.ndarray | Features],
    cache: str | Path,
    modality: Modality | Literal["labels"],
    frame_rate: float | None = None,
    max_failures: float = 0.5,
) -> pd.DataFrame:
    """Store ``arrays`` as ``<cache>/<corpus>/<name>-<fingerprint>``, beside the manifest.

    They are {id: (time, *feature)}, or Features with times of their own. A stream reads them by
    ``extractor: <name>``. ``frame_rate`` is in steps per second, None where the steps have no
    times. Floats are kept as float32, integers as int64. The fingerprint covers the numbers
    themselves: changed arrays make another store. An utterance without an array, or whose array is
    not finite or of another feature shape, is a row of the failure ledger; arrays of unknown ids
    are left out. Returns a table of one row, as `mmser.extraction.preprocess.preprocess` does.
    Raises MmserError when no id is the corpus's, or more than the share ``max_failures`` of the
    utterances failed.
    """
    begun = time.monotonic()
    utterances = list(corpus.utterances())
    ids = [utterance.id for utterance in utterances]
    used = {key: _with_times(arrays[key], frame_rate) for key in ids if key in arrays}
    if not used:
        raise MmserError(
            f"arrays named by utterances of {corpus.name}, such as {', '.join(ids[:2]) or 'none'}",
            ", ".join(list(arrays)[:2]) or "no array",
            "Check the ids of the arrays.",
        )
    folder = Path(cache) / checked_name(corpus.name, "the name of a corpus")
    with locked(folder / f"manifest{LOCK}"):
        keep_manifest(folder, partial(write_manifest, to_table(utterances)))
    parameters = {"modality": modality, "frame_rate": frame_rate}
    directory, stored = store_arrays(Path(cache), corpus.name, name, ids, used, parameters)
    rows = [summary_row(name, stored, ids, directory, time.monotonic() - begun, False)]
    check_failures(rows, max_failures)
    return summary_table(rows)


def store_arrays(
    cache: Path,
    corpus: str,
    name: str,
    ids: Sequence[str],
    arrays: Mapping[str, Features],
    parameters: Mapping[str, Any],
) -> tuple[Path, GrowingTable]:
    """Write the store of ``arrays`` that nothing here can make again; -> its folder and its index.

    An utterance of ``ids`` without an array is a failure. ``parameters`` say where they come from.
    """
    digests = {key: _digest(features) for key, features in arrays.items()}
    recipe = _recipe(name, arrays, digests, parameters)
    directory = store_directory(cache, corpus, name, "", recipe.fingerprint)
    with open_writer(directory, recipe) as writer:
        _fill(writer, ids, arrays, digests)
        return directory, writer.rows


def _fill(
    writer: Writer,
    ids: Sequence[str],
    arrays: Mapping[str, Features],
    digests: Mapping[str, str],
) -> None:
    entries = []
    for key in ids:
        result = arrays.get(key) or Failure(key, "missing file", ABSENT)
        if not writer.is_stored(key, digests.get(key, "")):
            entries.append(Entry(key, digests.get(key, ""), result))
    writer.add(entries)
    writer.finish()


def _recipe(
    name: str,
    arrays: Mapping[str, Features],
    digests: Mapping[str, str],
    parameters: Mapping[str, Any],
) -> Recipe:
    whole = all(features.values.dtype.kind in "iub" for features in arrays.values())
    content = {"imported": True, "content": text_digest(canonical(digests))}
    dtype = "int64" if whole else "float32"
    return Recipe(name, MAKER, 1, {**parameters, **content}, dtype=dtype)


def _with_times(array: np.ndarray | Features, frame_rate: float | None) -> Features:
    return array if isinstance(array, Features) else Features(np.asarray(array), frame_rate)


def _digest(features: Features) -> str:
    """SHA-256 of type, shape, numbers and times of their own, the first 32 hexadecimal digits."""
    values, spans = features.values, features.spans
    content = hashlib.sha256(f"{values.dtype.str} {values.shape} ".encode())
    content.update(np.ascontiguousarray(values).tobytes())
    if spans is not None:
        content.update(np.ascontiguousarray(spans).tobytes())
    return content.hexdigest()[:32]
