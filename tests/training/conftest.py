"""A small real cache (two streams, one of them informative), a real protocol and a small system's
settings.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.core.clip import Features
from mmser.corpora.manifest import write_manifest

CLASSES = ["angry", "happy", "sad"]
SPEAKERS = 4


@pytest.fixture(autouse=True)
def every_epoch_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests stop a training after its first epochs, which take no time."""
    from mmser.training.loop import callbacks

    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_WRITES", 0.0)


def write_cache(cache: Path, utterances: int = 48, seed: int = 0) -> None:
    """``tone`` tells the class, ``noise`` tells nothing."""
    generator = np.random.default_rng(seed)
    ids = [f"u{i:03d}" for i in range(utterances)]
    labels = [i % len(CLASSES) for i in range(utterances)]
    manifest = pd.DataFrame(
        {
            "id": ids,
            "corpus": "small",
            "speaker": [f"s{i * SPEAKERS // utterances}" for i in range(utterances)],
            "session": "",
            "start": None,
            "end": None,
            "votes": None,
            "dialogue": [f"d{i // 4}" for i in range(utterances)],
            "turn": [i % 4 for i in range(utterances)],
            "gender": ["F" if i % 2 else "M" for i in range(utterances)],
            "emotion": [CLASSES[label] for label in labels],
            "valence": [float(label) for label in labels],
        }
    )
    write_manifest(manifest, cache / "small" / "manifest.parquet")
    for stream, size in (("tone", 6), ("noise", 4)):
        recipe = Recipe(stream, "tests.Fake", 1, {"size": size}, dtype="float32")
        with open_writer(
            store_directory(cache, "small", stream, "", recipe.fingerprint), recipe
        ) as writer:
            for identifier, label in zip(ids, labels, strict=True):
                values = generator.normal(size=(int(generator.integers(3, 12)), size)).astype("f4")
                values[:, label] += 2.0 if stream == "tone" else 0.0
                writer.add([Entry(identifier, "0" * 64, Features(values, frame_rate=100.0))])
            writer.finish()


def make_settings(cache: Path, run: Path) -> dict[str, Any]:
    """Resolved settings of a small system, as composition would hand them over."""
    return {
        "corpus": {"_target_": "mmser.corpora.generic.Generic", "root": "nowhere", "name": "small"},
        "protocol": {
            "_target_": "mmser.protocols.protocol.EvaluationProtocol",
            "name": "small3_speaker4",
            "corpus": "small",
            "classes": CLASSES,
            "folds": {
                "_target_": "mmser.protocols.speaker_folds.LeaveOneSpeakerOut",
                "validation_speakers": 1,
                "seed": 0,
            },
        },
        "streams": {
            "tone": {"extractor": "tone", "normalise": "zscore"},
            "noise": {"extractor": "noise"},
        },
        "model": {
            "encoders": {
                name: {
                    "_target_": "mmser.models.encoders.sequence.recurrent.RecurrentEncoder",
                    "_partial_": True,
                    "hidden_size": 4,
                }
                for name in ("tone", "noise")
            },
            "fusion": {"_target_": "mmser.models.fusion.concat.Concat", "_partial_": True},
            "head": {
                "_target_": "mmser.models.heads.classifier.Classifier",
                "_partial_": True,
                "hidden_sizes": [8],
                "dropout": 0.5,
            },
        },
        "objective": {
            "_target_": "mmser.objectives.losses.classification.CrossEntropy",
            "_partial_": True,
        },
        "optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.01},
        "scheduler": {"_target_": "mmser.training.loop.schedulers.constant", "_partial_": True},
        "trainer": {
            "epochs": 3,
            "min_epochs": 1,
            "max_steps": -1,
            "patience": None,
            "monitor": "ua",
            "check_every": 1.0,
            "precision": "32-true",
            "accelerator": "cpu",
            "devices": 1,
            "strategy": "auto",
            "accumulate": 1,
            "clip_norm": None,
            "clip_mode": "norm",
            "freeze": [],
            "groups": [],
            "precise_norms": 0,
            "deterministic": False,
            "threads": 1,
            "jobs": 1,
            "save_every": 1,
            "log_tensorboard": False,
            "limit_train_batches": 1.0,
            "limit_validation_batches": 1.0,
        },
        "data": {"batch_size": 4, "batching": "length", "workers": 0, "augmentation": []},
        "seeds": [0],
        "folds": "all",
        "run": str(run),
        "cache": str(cache),
        "paths": {"runs": str(run.parent)},
        "stages": {},
        "card": {"name": "small"},
    }


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    write_cache(folder)
    return folder


@pytest.fixture
def settings(cache: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """``settings(run="a", **{"trainer.epochs": 2})``: the small system's settings with changes by
    dotted key.
    """

    def make(run: str = "run", **changes: Any) -> dict[str, Any]:
        made = copy.deepcopy(make_settings(cache, tmp_path / run))
        for key, value in changes.items():
            node = made
            *parents, last = key.split(".")
            for parent in parents:
                node = node[parent]
            node[last] = value
        return made

    return make
