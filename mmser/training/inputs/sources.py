"""From a run's settings to its data: manifest, fold assignment, stores, one fold.

A run with ``domains`` reads several corpora (`mmser.training.inputs.domains`); `corpus_name` is the
one that is tested.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.feature_store import FeatureStore
from mmser.cache.joined import JoinedStore
from mmser.cache.layout import checked_name
from mmser.cache.manifests import check_manifest, content_digest
from mmser.cache.recorded import find_recorded
from mmser.cache.store import Store
from mmser.composition import built
from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.corpora.manifest import read_manifest
from mmser.data.batching import BatchOptions
from mmser.data.dataset import Augmentation
from mmser.data.fold_data import FoldData
from mmser.data.fold_opening import Fitted, Inputs, Labelling, open_fold_data
from mmser.data.spec import StreamSpec
from mmser.data.stream_alignment import StreamAlignment
from mmser.settings.data import Episodes
from mmser.training.inputs.domains import add_domains, heard, hidden_targets

Settings = Mapping[str, Any]

_LARGE = 2e9
"""Bytes whose reading takes long enough to be announced."""

_log = logging.getLogger(__name__)


def corpus_name(settings: Settings) -> str:
    """The corpus's name in the cache."""
    return str(built(settings["corpus"]).name)


def corpus_names(settings: Settings) -> list[str]:
    """The tested corpus, then the further ones of ``settings["domains"]``; raises MmserError when
    one comes twice.
    """
    domains = [
        str(built(domain["corpus"]).name) for domain in (settings.get("domains") or {}).values()
    ]
    names = [corpus_name(settings), *domains]
    if len(set(names)) < len(names):
        raise MmserError(
            "each corpus once in `corpus` and `domains`", ", ".join(names), "Correct `domains`."
        )
    return names


def read_corpus_manifest(settings: Settings) -> pd.DataFrame:
    """The manifests that preprocessing wrote beside the stores, of every corpus of the run in one
    table.
    """
    tables = []
    for name in corpus_names(settings):
        path = (
            Path(settings["cache"])
            / checked_name(name, "the name of a corpus")
            / "manifest.parquet"
        )
        if not path.is_file():
            remedy = f"Run `mmser preprocess corpus={name}` first."
            raise MmserError(f"the manifest of {name}", f"no file {path}", remedy)
        check_manifest(path.parent)
        tables.append(read_manifest(path))
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def assign_folds(settings: Settings, manifest: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The protocol's fold assignment, and in what an incomplete corpus differs from the published
    one.

    Raises MmserError when it differs and the protocol does not allow that.
    """
    protocol = built(settings["protocol"])
    own = manifest[manifest["corpus"] == corpus_name(settings)]
    differences = protocol.check(own)
    assignment, further = add_domains(settings, protocol.assign(own), manifest)
    return assignment, [*differences, *further]


def open_stores(
    settings: Settings, recorded: Mapping[str, str] | None = None
) -> dict[str, FeatureStore]:
    """The store of each stream, over every corpus of the run.

    ``recorded`` are the stores the run was made from (`mmser.cache.recorded`); without it, names
    alone decide.
    """
    names, found = corpus_names(settings), dict[str, FeatureStore]()
    for stream, spec in settings["streams"].items():
        paths = {
            n: find_recorded(settings["cache"], n, str(spec["extractor"]), recorded or {})
            for n in names
        }
        stores = {name: Store(path) for name, path in paths.items()}
        found[stream] = stores[names[0]] if len(names) == 1 else JoinedStore(stores)
    return found


def manifest_digests(settings: Settings, manifest: pd.DataFrame) -> dict[str, str]:
    """{corpus of the run: digest of what its manifest says}, the tested corpus first."""
    return {
        name: content_digest(manifest[manifest["corpus"] == name])
        for name in corpus_names(settings)
    }


def manifest_differences(
    settings: Settings, manifest: pd.DataFrame, environment: Mapping[str, Any]
) -> list[str]:
    """A line for each corpus of which the manifest says other things than when the run was made.

    A run made before ``manifests`` was recorded has none.
    """
    made_with, now = environment.get("manifests") or {}, manifest_digests(settings, manifest)
    changed = [name for name, digest in now.items() if made_with.get(name, digest) != digest]
    return [
        f"the manifest of {name} has changed since the run was made: other labels, speakers or "
        "utterances; "
        "the run keeps the class labels it was made with"
        for name in changed
    ]


def open_fold(
    settings: Settings,
    manifest: pd.DataFrame,
    assignment: pd.DataFrame,
    fold: str,
    seed: int,
    recorded: Mapping[str, str] | None = None,
    fitted: Fitted | None = None,
    test_stores: Mapping[str, FeatureStore] | None = None,
) -> FoldData:
    """The data of one fold as the settings ask for.

    ``recorded`` are the stores the run was made from (see `open_stores`), ``fitted`` is what a
    trained fold was fitted with, ``test_stores`` replaces stores for the test split alone.
    """
    corpus = corpus_name(settings)
    own = manifest[manifest["corpus"] == corpus]
    protocol = built(settings["protocol"]).resolve(own)
    asked = protocol.asked
    if asked.classes:
        manifest = hidden_targets(manifest, assignment, fold, asked.manifest_columns)
    data = settings["data"]
    inputs = Inputs(
        open_stores(settings, recorded),
        {stream: StreamSpec(**spec) for stream, spec in settings["streams"].items()},
        _alignment(data),
        _augmentations(data),
        test_stores,
        trace_names(settings),
    )
    words = _vote_labels(settings, protocol.labels)
    return open_fold_data(
        manifest,
        heard(settings, manifest, assignment, corpus, seed),
        fold,
        inputs,
        Labelling(asked, words),
        _batch_options(data, seed),
        fitted,
    )


def trace_names(settings: Settings) -> frozenset[str]:
    """The streams that no encoder reads: labels over time, for the loss alone."""
    encoders = (settings.get("model") or {}).get("encoders")
    return frozenset(settings["streams"]).difference(encoders) if encoders else frozenset()


def check_stores(stores: Iterable[FeatureStore]) -> None:
    """Read through what this process has not yet of the stores' files; raises MmserError when one
    is damaged.
    """
    listed = list(stores)
    size = sum(store.unchecked_bytes() for store in listed)
    if size > _LARGE:
        _log.info("checking %.1f GB of cached features against their checksums", size / 1e9)
    for store in listed:
        store.check()


def _alignment(data: Settings) -> StreamAlignment:
    names = {"alignment": "kind", "grid_rate": "grid_rate", "word_stream": "word_stream"}
    return StreamAlignment(**{names[key]: data[key] for key in names if key in data})


def _batch_options(data: Settings, seed: int) -> BatchOptions:
    given = {each.name: data[each.name] for each in fields(BatchOptions) if each.name in data}
    episodes = Episodes(**(data.get("episodes") or {}))
    return BatchOptions(**{**given, "episodes": episodes, "seed": seed})


def _augmentations(data: Settings) -> tuple[Augmentation, ...]:
    """Each by the name of its config, or as a mapping that sets its arguments; one, or a list."""
    changes = data.get("augmentation") or ()
    if isinstance(changes, str | Mapping):
        changes = (changes,)
    configs = [
        load_config("augmentation", change) if isinstance(change, str) else change
        for change in changes
    ]
    return tuple(built(config) for config in configs)


def _vote_labels(settings: Settings, own: Mapping[str, str]) -> dict[str, str] | None:
    """How emotion words become classes, over the protocols of every corpus; the tested corpus has
    the last word.
    """
    labels: dict[str, str] = {}
    for domain in (settings.get("domains") or {}).values():
        labels |= dict(domain["protocol"].get("labels") or {})
    return labels | dict(own) or None
