"""From a run's settings to its data: manifest, fold assignment, stores, one fold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.utils import instantiate

from mmser.cache.find import find_store
from mmser.cache.store import Store
from mmser.core.errors import MmserError
from mmser.corpora.manifest import read_manifest
from mmser.data.fold import FoldData
from mmser.data.spec import StreamSpec

Settings = Mapping[str, Any]


def corpus_name(settings: Settings) -> str:
    """The corpus's name in the cache."""
    return str(instantiate(settings["corpus"]).name)


def read_corpus_manifest(settings: Settings) -> pd.DataFrame:
    """The manifest that preprocessing wrote beside the stores."""
    name = corpus_name(settings)
    path = Path(settings["cache"]) / name / "manifest.parquet"
    if not path.is_file():
        raise MmserError(f"the manifest of {name}", f"no file {path}", f"Run `mmser preprocess corpus={name}` first.")
    return read_manifest(path)


def assign_folds(settings: Settings, manifest: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The protocol's fold assignment, and in what an incomplete corpus differs from the published one.

    Raises MmserError when it differs and the protocol does not allow that.
    """
    protocol = instantiate(settings["protocol"], _convert_="all")
    differences = protocol.check(manifest)
    return protocol.assign(manifest), list(differences)


def open_stores(settings: Settings) -> dict[str, Store]:
    """The store of each stream."""
    name = corpus_name(settings)
    return {
        stream: Store(find_store(settings["cache"], name, str(spec["extractor"])))
        for stream, spec in settings["streams"].items()
    }


def open_fold(
    settings: Settings, manifest: pd.DataFrame, assignment: pd.DataFrame, fold: str, seed: int, **options: Any
) -> FoldData:
    """The data of one fold as the settings ask for; ``options`` overrides arguments of FoldData."""
    protocol = instantiate(settings["protocol"], _convert_="all").resolve(manifest)
    data = dict(settings["data"])
    data["augmentation"] = tuple(instantiate(change, _convert_="all") for change in data.get("augmentation", ()))
    return FoldData(
        manifest,
        assignment,
        fold,
        open_stores(settings),
        {stream: StreamSpec(**spec) for stream, spec in settings["streams"].items()},
        tuple(protocol.classes),
        tuple(protocol.values),
        **{"seed": seed, "labels": dict(protocol.labels) or None, **data, **options},
    )
