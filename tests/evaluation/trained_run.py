"""A small run that is really trained: two folds of an informative audio stream, a less informative text stream."""

import numpy as np
import pandas as pd

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe
from mmser.cache.layout import store_directory
from mmser.cache.writer import open_writer
from mmser.core.clip import Failure, Features
from mmser.corpora.manifest import write_manifest
from mmser.training.fit import train

CLASSES = ["angry", "happy", "sad"]
WORDS = {"angry": "leave me alone now", "happy": "what a lovely day", "sad": "nobody ever came back"}
STREAMS = {"tone": ("mmser.extractors.audio.tone.Tone", 3.0), "prose": ("mmser.extractors.text.prose.Prose", 1.0)}


def write_cache(cache, utterances=36):
    """``tone`` tells the class clearly, ``prose`` less; the fourth utterance has no prose."""
    generator = np.random.default_rng(0)
    ids = [f"u{i:02d}" for i in range(utterances)]
    labels = [i % 3 for i in range(utterances)]
    known = {"id": ids, "corpus": "small", "speaker": [f"s{i * 3 // utterances}" for i in range(utterances)]}
    known |= {"session": "", "dialogue": "", "turn": 0, "start": None, "end": None, "votes": None}
    spoken = [WORDS[CLASSES[label]] for label in labels]
    table = pd.DataFrame({**known, "emotion": [CLASSES[label] for label in labels], "transcript": spoken})
    write_manifest(table, cache / "small" / "manifest.parquet")
    for stream, (maker, strength) in STREAMS.items():
        recipe = Recipe(stream, maker, 1, {}, dtype="float32")
        with open_writer(store_directory(cache, "small", stream, "", recipe.fingerprint), recipe) as writer:
            for identifier, label in zip(ids, labels, strict=True):
                values = generator.normal(size=(3, 3)).astype("f4")
                values[:, label] += strength
                missing = stream == "prose" and identifier == "u03"
                made = Failure(identifier, "empty transcript") if missing else Features(values, frame_rate=10.0)
                writer.add([Entry(identifier, "0" * 64, made)])
            writer.finish()


def make_settings(cache, run, **changes):
    """Resolved settings of a small system, as composition would hand them over."""
    encoder = {"_target_": "mmser.models.encoders.sequence.recurrent.RecurrentEncoder", "_partial_": True}
    trainer = {"epochs": 3, "min_epochs": 1, "max_steps": -1, "patience": None, "monitor": "ua", "check_every": 1.0}
    trainer |= {"precision": "32-true", "accelerator": "cpu", "devices": 1, "strategy": "auto", "accumulate": 1}
    trainer |= {"clip_norm": None, "clip_mode": "norm", "freeze": [], "groups": [], "deterministic": False}
    trainer |= {"threads": 1, "jobs": 1, "save_every": 10, "log_tensorboard": False}
    trainer |= {"limit_train_batches": 1.0, "limit_validation_batches": 1.0}
    folds = {"_target_": "mmser.protocols.folds.LeaveOneSpeakerOut", "validation_speakers": 1, "seed": 0}
    protocol = {"_target_": "mmser.protocols.protocol.Protocol", "name": "small3_speaker3", "corpus": "small"}
    return {
        "corpus": {"_target_": "mmser.corpora.generic.Generic", "root": "nowhere", "name": "small"},
        "protocol": {**protocol, "classes": CLASSES, "folds": folds},
        "streams": {name: {"extractor": name} for name in STREAMS},
        "model": {
            "encoders": {name: {**encoder, "hidden_size": 4} for name in STREAMS},
            "fusion": {"_target_": "mmser.models.fusion.concat.Concat", "_partial_": True},
            "head": {"_target_": "mmser.models.heads.classifier.Classifier", "_partial_": True, "hidden_sizes": []},
        },
        "objective": {"_target_": "mmser.objectives.classification.CrossEntropy", "_partial_": True},
        "optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.05},
        "scheduler": {"_target_": "mmser.training.schedulers.constant", "_partial_": True},
        "trainer": trainer,
        "data": {"batch_size": 8, "alignment": "native", "batching": "length", "workers": 0, "augmentation": []},
        "seeds": [0],
        "folds": ["s0", "s1"],
        "run": str(run),
        "cache": str(cache),
        "paths": {"runs": str(run.parent), "weights": "weights"},
        "stages": {},
        "card": {"name": "small"},
        **changes,
    }


def make_trained_run(folder, **changes):
    """Write the cache below ``folder`` and train into ``folder/run``."""
    write_cache(folder / "cache")
    return train(make_settings(folder / "cache", folder / "run", **changes))
