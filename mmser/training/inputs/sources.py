"""From a run's settings to its data: manifest, fold assignment, stores, one fold.

A run with ``domains`` reads several corpora (`mmser.training.inputs.domains`), one of which is
tested.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmser.cache.feature_store import FeatureStore
from mmser.cache.joined import JoinedStore
from mmser.cache.layout import MANIFEST, checked_name
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
from mmser.data.stream_alignment import StreamAlignment
from mmser.settings.data import AugmentationOption, Data
from mmser.settings.run import RunSettings
from mmser.training.inputs.corpora import RunCorpora
from mmser.training.inputs.domains import add_domains, hidden_targets, training_choice

_LARGE = 2e9
"""Bytes whose reading takes long enough to be announced."""

_log = logging.getLogger(__name__)


def read_corpus_manifest(cache: str | Path, names: Iterable[str]) -> pd.DataFrame:
    """The manifests beside the stores of the corpora ``names``, in one table."""
    tables = []
    for name in names:
        folder = Path(cache) / checked_name(name, "the name of a corpus")
        path = folder / MANIFEST
        if not path.is_file():
            remedy = f"Run `mmser preprocess corpus={name}` first."
            raise MmserError(f"the manifest of {name}", f"no file {path}", remedy)
        check_manifest(folder)
        tables.append(read_manifest(path))
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def assign_folds(
    corpora: RunCorpora, manifest: pd.DataFrame, target_labels: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """The protocol's fold assignment, and the differences from the published corpora.

    Raises MmserError when a corpus differs and the protocol does not allow that.
    """
    protocol = corpora.tested.protocol
    own = manifest[manifest["corpus"] == corpora.tested.name]
    differences = protocol.check(own)
    assignment, further = add_domains(corpora, protocol.assign(own), manifest, target_labels)
    return assignment, [*differences, *further]


def open_stores(
    settings: RunSettings, names: Sequence[str], recorded: Mapping[str, str] | None = None
) -> dict[str, FeatureStore]:
    """The store of each stream, over every corpus of the run, ``names``.

    ``recorded`` are the stores the run was made from (`mmser.cache.recorded`); without it, the
    extractors' names alone decide.
    """
    opened: dict[str, FeatureStore] = {}
    for stream, spec in settings.streams.items():
        stores: dict[str, Store] = {}
        for name in names:
            path = find_recorded(settings.cache, name, spec.extractor, recorded or {})
            stores[name] = Store(path)
        opened[stream] = stores[names[0]] if len(names) == 1 else JoinedStore(stores)
    return opened


def manifest_digests(names: Iterable[str], manifest: pd.DataFrame) -> dict[str, str]:
    """{corpus of the run: digest of what its manifest says}, in the order of ``names``."""
    return {name: content_digest(manifest[manifest["corpus"] == name]) for name in names}


def manifest_differences(
    names: Iterable[str], manifest: pd.DataFrame, environment: Mapping[str, Any]
) -> list[str]:
    """A line for each corpus of which the manifest says other things than when the run was made.

    A run made before ``manifests`` was recorded has none.
    """
    made_with, now = environment.get("manifests") or {}, manifest_digests(names, manifest)
    changed = [name for name, digest in now.items() if made_with.get(name, digest) != digest]
    return [
        f"the manifest of {name} has changed since the run was made: other labels, speakers or "
        "utterances; the run keeps the class labels it was made with"
        for name in changed
    ]


def open_fold(
    settings: RunSettings,
    corpora: RunCorpora,
    manifest: pd.DataFrame,
    assignment: pd.DataFrame,
    fold: str,
    seed: int,
    recorded: Mapping[str, str] | None = None,
    fitted: Fitted | None = None,
    test_stores: Mapping[str, FeatureStore] | None = None,
    stores: Mapping[str, FeatureStore] | None = None,
) -> FoldData:
    """The data of one fold as the settings ask for.

    ``recorded`` are the stores the run was made from (see `open_stores`), ``fitted`` is what a
    trained fold was fitted with, ``test_stores`` replaces stores for the test split alone.
    ``stores`` are those of `open_stores` where they are open already.
    """
    own = manifest[manifest["corpus"] == corpora.tested.name]
    protocol = corpora.tested.protocol.resolve(own)
    labelling = protocol.asked
    if labelling.classes:
        manifest = hidden_targets(manifest, assignment, fold, labelling.manifest_columns)
    data = settings.data
    inputs = Inputs(
        stores or open_stores(settings, corpora.names, recorded),
        settings.streams,
        StreamAlignment(data.alignment, data.grid_rate, data.word_stream),
        _augmentations(data.augmentation),
        test_stores,
        trace_names(settings.streams, settings.model),
    )
    words = _vote_labels(corpora, protocol.labels)
    return open_fold_data(
        manifest,
        training_choice(data, corpora, manifest, assignment, seed),
        fold,
        inputs,
        Labelling(labelling, words),
        _batch_options(data, seed),
        fitted,
    )


def trace_names(streams: Iterable[str], model: Mapping[str, Any]) -> frozenset[str]:
    """The streams that no encoder reads: labels over time, for the loss alone."""
    encoders = model.get("encoders")
    return frozenset(streams).difference(encoders) if encoders else frozenset()


def check_stores(stores: Iterable[FeatureStore]) -> None:
    """Check the stores' files that this process has not checked yet.

    Raises MmserError when one is damaged.
    """
    listed = list(stores)
    size = sum(store.unchecked_bytes() for store in listed)
    if size > _LARGE:
        _log.info("checking %.1f GB of cached features against their checksums", size / 1e9)
    for store in listed:
        store.check()


def _batch_options(data: Data, seed: int) -> BatchOptions:
    return BatchOptions(
        batch_size=data.batch_size,
        batching=data.batching,
        balanced=data.balanced,
        drop_last=data.drop_last,
        episodes=data.episodes,
        workers=data.workers,
        seed=seed,
    )


def _augmentations(options: AugmentationOption) -> tuple[Augmentation, ...]:
    """Each by the name of its config, or as a mapping that sets its arguments; one, or a list."""
    listed = (options,) if isinstance(options, str | Mapping) else options or ()
    configs = [load_config("augmentation", one) if isinstance(one, str) else one for one in listed]
    return tuple(built(config) for config in configs)


def _vote_labels(corpora: RunCorpora, own: Mapping[str, str]) -> dict[str, str] | None:
    """How emotion words become classes, over the protocols of every corpus.

    Where two protocols differ about a word, the tested corpus's counts.
    """
    labels: dict[str, str] = {}
    for domain in corpora.domains.values():
        labels |= domain.labels
    return labels | dict(own) or None
