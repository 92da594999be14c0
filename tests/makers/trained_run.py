"""A small run that is really trained: two folds of an audio stream that tells little, a text stream
that tells much.
"""

import numpy as np
import pandas as pd

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe, recipe_of
from mmser.cache.layout import store_directory
from mmser.cache.transcripts import TranscriptEntry, open_transcripts
from mmser.cache.writer import open_writer
from mmser.core.clip import Clip, Features, Transcript
from mmser.corpora.manifest import write_manifest
from mmser.extractors.text.words import Words
from mmser.training.fit import train

CLASSES = ["angry", "happy", "sad"]
WORDS = {
    "angry": "leave me alone now",
    "happy": "what a lovely day",
    "sad": "nobody ever came back",
}
MISHEARD = {"alone": "loan", "lovely": "love", "ever": "never"}
MUTE = ("u03", "u10")
"""The corpus has no transcript of the first; the recogniser hears nothing in the second."""


def write_cache(cache, utterances=36):
    """``tone`` (audio) tells the class a little, ``words`` (text) well; a recogniser mishears one
    word in four.
    """
    ids = [f"u{i:02d}" for i in range(utterances)]
    labels = [i % 3 for i in range(utterances)]
    known = {
        "id": ids,
        "corpus": "small",
        "speaker": [f"s{i * 3 // utterances}" for i in range(utterances)],
    }
    known |= {"session": "", "dialogue": "", "turn": 0, "start": None, "end": None, "votes": None}
    spoken = {
        i: None if i == MUTE[0] else WORDS[CLASSES[label]]
        for i, label in zip(ids, labels, strict=True)
    }
    table = pd.DataFrame(
        {
            **known,
            "emotion": [CLASSES[label] for label in labels],
            "transcript": list(spoken.values()),
        }
    )
    write_manifest(table, cache / "small" / "manifest.parquet")
    generator = np.random.default_rng(0)
    tones = {
        i: generator.normal(size=(3, 3)).astype("f4") + np.eye(3, dtype="f4")[k]
        for i, k in zip(ids, labels, strict=True)
    }
    write_store(
        cache, Recipe("tone", "mmser.extractors.audio.tone.Tone", 1, {}, dtype="float32"), tones
    )
    write_store(cache, recipe_of("words", Words(), {"source": "corpus"}), word_features(spoken))
    heard = {
        i: "" if i in MUTE else " ".join(MISHEARD.get(w, w) for w in text.split())
        for i, text in spoken.items()
        if text
    }
    write_recogniser(cache, {i: heard.get(i, "") for i in ids})


def word_features(texts):
    return {
        i: Words().extract([Clip(i, transcript=None if t is None else Transcript(t, "x"))])[0]
        for i, t in texts.items()
    }


def write_store(cache, recipe, results):
    with open_writer(
        store_directory(cache, "small", recipe.name, recipe.source, recipe.fingerprint), recipe
    ) as writer:
        for identifier, result in results.items():
            made = Features(result, frame_rate=10.0) if isinstance(result, np.ndarray) else result
            writer.add([Entry(identifier, "0" * 64, made)])
        writer.finish()


def write_recogniser(cache, heard):
    source = {"source": "pocketsphinx"}
    recipe = Recipe("transcript", "tests.Recogniser", 1, {}, transcript=source)
    with open_transcripts(
        store_directory(cache, "small", "transcript", "pocketsphinx", recipe.fingerprint), recipe
    ) as writer:
        writer.add(
            [
                TranscriptEntry(i, "0" * 64, Transcript(text, "pocketsphinx"))
                for i, text in heard.items()
            ]
        )
        writer.finish()
    write_store(
        cache,
        recipe_of("words", Words(), {**source, "fingerprint": recipe.fingerprint}),
        word_features(heard),
    )


def make_settings(cache, run, **changes):
    """Resolved settings of a small system, as composition would hand them over."""
    encoder = {
        "_target_": "mmser.models.encoders.sequence.recurrent.RecurrentEncoder",
        "_partial_": True,
    }
    embedding = {
        "_target_": "mmser.models.encoders.text.embedding_gru.EmbeddingGRU",
        "_partial_": True,
    }
    embedding |= {"embedding_size": 8, "hidden_size": 8}
    trainer = {
        "epochs": 4,
        "min_epochs": 1,
        "max_steps": -1,
        "patience": None,
        "monitor": "ua",
        "check_every": 1.0,
    }
    trainer |= {
        "precision": "32-true",
        "accelerator": "cpu",
        "devices": 1,
        "strategy": "auto",
        "accumulate": 1,
    }
    trainer |= {
        "clip_norm": None,
        "clip_mode": "norm",
        "freeze": [],
        "groups": [],
        "deterministic": False,
    }
    trainer |= {
        "threads": 1,
        "jobs": 1,
        "save_every": 10,
        "log_tensorboard": False,
        "precise_norms": 0,
    }
    trainer |= {"limit_train_batches": 1.0, "limit_validation_batches": 1.0}
    folds = {
        "_target_": "mmser.protocols.speaker_folds.LeaveOneSpeakerOut",
        "validation_speakers": 1,
        "seed": 0,
    }
    protocol = {
        "_target_": "mmser.protocols.protocol.EvaluationProtocol",
        "name": "small3_speaker3",
        "corpus": "small",
    }
    return {
        "corpus": {"_target_": "mmser.corpora.generic.Generic", "root": "nowhere", "name": "small"},
        "protocol": {**protocol, "classes": CLASSES, "folds": folds},
        "streams": {
            "tone": {"extractor": "tone"},
            "prose": {"extractor": "words", "vocabulary": True},
        },
        "model": {
            "encoders": {"tone": {**encoder, "hidden_size": 4}, "prose": embedding},
            "fusion": {"_target_": "mmser.models.fusion.concat.Concat", "_partial_": True},
            "head": {
                "_target_": "mmser.models.heads.classifier.Classifier",
                "_partial_": True,
                "hidden_sizes": [],
            },
        },
        "objective": {
            "_target_": "mmser.objectives.losses.classification.CrossEntropy",
            "_partial_": True,
        },
        "optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 0.05},
        "scheduler": {"_target_": "mmser.training.loop.schedulers.constant", "_partial_": True},
        "trainer": trainer,
        "data": {
            "batch_size": 8,
            "alignment": "native",
            "batching": "length",
            "workers": 0,
            "augmentation": [],
        },
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
