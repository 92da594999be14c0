"""A small trained run as `mmser.training.run.Run` shows it, with a model whose answers can be
worked out by hand.
"""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from torch import nn

from mmser.core.batch import Batch, Context, Outputs, Stream
from mmser.core.task import Task
from mmser.data.stream_alignment import NATIVE

CLASSES = ("ang", "hap", "sad")


class MeanModel(nn.Module):
    """Logits = mean over real frames of a (time, 3) stream; attention = the share of each frame in
    the mean.
    """

    def forward(self, streams, context, need_attention=False):
        audio, text = streams["audio"], streams["text"]
        share = audio.mask.float() / audio.mask.sum(1, keepdim=True).clamp(min=1)
        vector = (audio.filled() * share[..., None]).sum(1)
        words = text.mask.float() * torch.arange(1, text.mask.shape[1] + 1)
        words = words / words.sum(1, keepdim=True).clamp(min=1)
        attention = {
            "audio_self": share[:, None, None, :].expand(-1, 2, 4, -1),
            "audio_to_text": words[:, None, :],
        }
        encoded = {"audio": audio, "text": text}
        return Outputs(
            vector, logits=vector, encoded=encoded, attention=attention if need_attention else {}
        )


def stream(lengths, values):
    """Padded with NaN: nothing may read it."""
    padded = torch.full((len(lengths), max(1, *lengths), values.shape[-1]), torch.nan)
    mask = torch.zeros(padded.shape[:2], dtype=torch.bool)
    for row, length in enumerate(lengths):
        padded[row, :length] = values[row, None].expand(length, -1)
        mask[row, :length] = True
    return Stream(padded, mask)


def make_batch(ids, logits, targets, words):
    logits = torch.as_tensor(logits, dtype=torch.float32)
    rows = torch.arange(len(ids))
    audio = stream([2 + i for i in range(len(ids))], logits)
    text = stream([len(w) for w in words], logits)
    context = Context(rows, rows, rows)
    return Batch(
        tuple(ids), {"audio": audio, "text": text}, context, {"emotion": torch.tensor(targets)}
    )


class FakeStore:
    def __init__(self, kind, rate):
        self.info = {"class": f"mmser.extractors.{kind}.x.X", "transcript": None}
        self.rate = rate

    def __contains__(self, identifier):
        return True

    def frame_rate(self, identifier):
        return self.rate

    def length(self, identifier):
        return 4

    def lengths(self, identifiers):
        return np.full(len(list(identifiers)), 4)


def make_run(directory):
    """Two folds, two seeds; batches come in another order than the fold's ids, as length batching
    does.
    """
    rng = np.random.default_rng(0)
    facts, batches = [], {}
    for fold, speaker in (("one", "A"), ("two", "B")):
        ids = [f"{speaker}{i}" for i in range(5)]
        words = [["well"] * (i + 1) for i in range(5)]
        targets = [0, 1, 2, -100, 1]
        for i, identifier in enumerate(ids):
            spoken = json.dumps([{"text": w, "start": 0.0, "end": 0.1} for w in words[i]])
            facts.append(
                {
                    "id": identifier,
                    "corpus": "c",
                    "speaker": speaker,
                    "session": fold,
                    "words": spoken,
                }
            )
        for seed in (0, 1):
            logits = rng.normal(size=(5, 3)) * 2
            order = [3, 0, 4, 1, 2]
            parts = [order[:3], order[3:]]
            batches[fold, seed] = [
                make_batch(
                    [ids[i] for i in p], logits[p], [targets[i] for i in p], [words[i] for i in p]
                )
                for p in parts
            ]

    def trained_fold(fold, seed):
        data = SimpleNamespace(
            task=Task(classes=CLASSES),
            alignment=NATIVE,
            ids=lambda split: tuple(f"{'A' if fold == 'one' else 'B'}{i}" for i in range(5)),
            loader=lambda split, shuffle: batches[fold, seed],
            stores={"audio": FakeStore("audio", 2.0), "text": FakeStore("text", None)},
            specs={name: SimpleNamespace(limit=None, crop="head") for name in ("audio", "text")},
        )
        return SimpleNamespace(
            fold=fold,
            seed=seed,
            directory=directory / "folds" / f"{fold}-seed{seed}",
            data=lambda test_stores=None: data,
            model=MeanModel,
        )

    return SimpleNamespace(
        directory=directory,
        config={},
        fold=trained_fold,
        finished=lambda: [trained_fold(f, s) for f, s in batches],
        manifest=pd.DataFrame(facts),
        batches=batches,
    )
