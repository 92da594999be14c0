"""A run folder of invented data in the layout that training and evaluation write: for tests and for
looking at reports.

Nothing in it was measured.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from safetensors.numpy import save_file

from mmser.cache.index import write_index

TEXT = ("shard", "key", "dimension", "detail", "notes", "digest", "checksum")
CLASSES = ("anger", "joy", "neutral", "sadness")
EVIL = '<script>alert("x")</script> & "$\\frac{1}{0}$"'
WORDS = {"s0-003": ["I", "told", "you", "<b>never</b>", "to", "call", "me", "that", "&", "leave"]}


def predictions(skill, seed, condition="clean", speakers=10, each=40):
    rng = np.random.default_rng(seed)
    rows = []
    for speaker in range(speakers):
        strength = skill + rng.normal(0, 0.5)
        for utterance in range(each):
            target = rng.choice(4, p=[0.2, 0.3, 0.3, 0.2])
            logits = rng.normal(0, 1, 4)
            logits[target] += strength
            logits[2] += 0.5
            p = np.exp(logits) / np.exp(logits).sum()
            row = {
                "id": f"s{speaker}-{utterance:03d}",
                "corpus": "madeup",
                "speaker": f"s{speaker}",
            }
            row |= {
                "session": f"ses{speaker // 2}",
                "condition": condition,
                "fold": f"ses{speaker // 2}",
                "seed": seed,
            }
            row |= {"target": CLASSES[target], "prediction": CLASSES[p.argmax()]}
            rows.append(row | {f"probability_{c}": v for c, v in zip(CLASSES, p, strict=True)})
    return pd.DataFrame(rows)


def write_run(directory: Path, cache: Path, skill=1.5, seeds=(0, 1)) -> Path:
    """A complete run with caches, two seeds and five folds."""
    directory.mkdir(parents=True)
    table = pd.concat([predictions(skill, seed) for seed in seeds], ignore_index=True)
    table.to_parquet(directory / "predictions.parquet")
    write_config(directory, cache)
    write_assignment(directory, table)
    for fold in table["fold"].unique():
        for seed in seeds:
            write_fold(directory / "folds" / f"{fold}-seed{seed}", seed)
    write_embeddings(directory, table)
    write_attention(directory)
    write_layers(directory, table)
    write_caches(cache, table)
    return directory


def write_config(directory, cache):
    card = {
        "name": "madeup",
        "title": f"Made-up system {EVIL}",
        "citation": "Nobody, Nowhere 1900 (invented for a test)",
        "protocol": "madeup_loso10",
        "reported": [
            {
                "data": "MADE-UP",
                "metric": "WA",
                "value": 61.2,
                "protocol": "10-fold",
                "source": "nobody",
            },
            {
                "data": "IEMOCAP",
                "metric": "UA",
                "value": 56.0,
                "protocol": "5-fold",
                "source": "nobody <b>",
            },
        ],
        "departures": ["dropout 0.1 instead of 0.5"],
    }
    protocol = {"name": "madeup_loso5", "title": "leave one session out", "classes": list(CLASSES)}
    config = {"card": card, "corpus": {"name": "madeup"}, "protocol": protocol, "cache": str(cache)}
    config |= {"seeds": [0, 1], "optimizer": {"lr": 0.001}, "note": EVIL}
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    caches = {"audio": "0123456789ab", "text": "ba9876543210", "face": "00ff00ff00ff"}
    environment = {
        "packages": {"mmser": "0.1.0", "torch": "2.11.0"},
        "python": "3.11.7",
        "device": "x86_64",
    }
    environment |= {"git": "abc", "seeds": [0, 1], "caches": caches, "random_weights": False}
    (directory / "environment.json").write_text(json.dumps(environment))


def write_assignment(directory, table):
    known = table.drop_duplicates("id")
    rows = []
    for fold in known["fold"].unique():
        part = np.where(known["fold"] == fold, "test", "train")
        rows.append(
            pd.DataFrame({"id": known["id"], "fold": fold, "part": part, "label": known["target"]})
        )
    pd.concat(rows).to_parquet(directory / "assignment.parquet")


def write_fold(folder, seed):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed + sum(map(ord, folder.name)))
    epoch = np.arange(1, 21 - int(rng.integers(6)))
    falling = np.exp(-epoch / 6)
    curve = {
        "epoch": epoch,
        "step": epoch * 12,
        "train_loss": 0.3 + falling + rng.normal(0, 0.02, len(epoch)),
    }
    curve["validation_loss"] = 0.7 + 0.6 * falling + 0.01 * epoch + rng.normal(0, 0.02, len(epoch))
    curve["validation_ua"] = 0.6 - 0.35 * falling + rng.normal(0, 0.01, len(epoch))
    curve["validation_wa"] = 0.62 - 0.33 * falling + rng.normal(0, 0.01, len(epoch))
    curve["validation_confusion"] = np.nan
    pd.DataFrame(curve | {"lr": 0.001, "seconds": 1.2}).to_csv(folder / "metrics.csv", index=False)
    facts = {
        "classes": list(CLASSES),
        "best_epoch": 11,
        "monitor": "ua",
        "parameters": 1628935,
        "score": 0.61234,
    }
    (folder / "fold.json").write_text(json.dumps(facts))


def write_embeddings(directory, table):
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1.5, (4, 16))
    rows, vectors = [], {}
    for (fold, seed), part in table.groupby(["fold", "seed"]):
        which = part["target"].map(CLASSES.index).to_numpy()
        vectors[f"{fold}-seed{seed}"] = (centres[which] + rng.normal(0, 1, (len(part), 16))).astype(
            np.float16
        )
        rows.append(part[["id", "fold", "seed"]])
    save_file(vectors, directory / "embeddings.safetensors")
    pd.concat(rows).to_parquet(directory / "embeddings.parquet")


def write_attention(directory):
    rng = np.random.default_rng(1)
    rows = []
    for identifier in ("s0-003", "s1-020"):
        words = WORDS.get(identifier, ["fine", "whatever"])
        about = {"id": identifier, "fold": "ses0", "seed": 0}
        for name, stream, steps in (
            ("audio_to_text", "text", len(words)),
            ("hop1_audio", "audio", 260),
        ):
            weights = rng.dirichlet(np.ones(steps) * 0.6).tolist()
            seconds = None if stream == "text" else (np.arange(steps) / 100).tolist()
            labels = words if stream == "text" else None
            rows.append(
                about
                | {
                    "name": name,
                    "stream": stream,
                    "weights": weights,
                    "labels": labels,
                    "seconds": seconds,
                }
            )
        gate = {
            "name": "gate",
            "stream": "",
            "weights": [0.5, 0.3, 0.2],
            "labels": ["audio", "text", "face"],
        }
        rows.append(about | gate | {"seconds": None})
        face = {
            "name": "text_to_face",
            "stream": "face",
            "weights": rng.dirichlet(np.ones(12)).tolist(),
        }
        rows.append(about | face | {"labels": None, "seconds": None})
    pd.DataFrame(rows).to_parquet(directory / "attention.parquet")


def write_layers(directory, table):
    rng = np.random.default_rng(2)
    layers = [f"encoders.audio.conv{number}" for number in range(60)]
    named = [
        ("adapt", layer, f, s)
        for f, s in table.groupby(["fold", "seed"]).groups
        for layer in layers
    ]
    moved = pd.DataFrame(named, columns=["stage", "layer", "fold", "seed"]).assign(
        distance=rng.random(len(named))
    )
    moved.to_parquet(directory / "layers.parquet")


def write_caches(cache, table):
    known = table.drop_duplicates("id")
    shapes = {
        "mfcc40-0123456789ab": [40],
        "glove-ba9876543210": [300],
        "resnet-00ff00ff00ff": [2048],
    }
    for number, (name, shape) in enumerate(shapes.items()):
        folder = cache / "madeup" / name
        if folder.is_dir():
            continue
        folder.mkdir(parents=True)
        failed = np.arange(len(known)) % 50 < number
        index = pd.DataFrame({"id": known["id"], "length": 100 + np.arange(len(known)) % 200})
        index = index.assign(
            status=np.where(failed, "failed", "ok"), error=np.where(failed, "no face", "")
        )
        index = index.assign(frame_rate=100.0, spans=False, commit=0, **dict.fromkeys(TEXT, ""))
        write_index(folder / "index.parquet", index.to_dict("records"))
        info = {
            "feature_shape": shape,
            "dtype": "float16",
            "random_weights": False,
            "extractor": name.split("-")[0],
        }
        info |= {
            "class": "made.Up",
            "version": 1,
            "parameters": {},
            "fingerprint": name.split("-")[1],
        }
        (folder / "info.json").write_text(json.dumps(info | {"complete": True}))
    known[["id", "corpus", "speaker", "session"]].to_parquet(cache / "madeup" / "manifest.parquet")
    warnings = {"s0-001": f"lasts 2.00 s {EVIL}", "list": ["one", "two"]}
    (cache / "madeup" / "warnings.json").write_text(json.dumps(warnings))
