"""A small run on sound, words and pictures, all of which tell the class, made from video files."""

import numpy as np
import pandas as pd

from makers.sound_run import sound
from makers.trained_run import CLASSES, make_settings
from mmser.corpora.generic import Generic
from mmser.evaluation.evaluate import evaluate
from mmser.extraction.preprocess import preprocess
from mmser.extractors.audio.mfcc import Mfcc
from mmser.extractors.face.resnet import ResNet
from mmser.extractors.text.words import Words
from mmser.media.write import write_mp4
from mmser.training.fit import train

COLOURS = {"angry": (200, 40, 40), "happy": (240, 220, 60), "sad": (40, 60, 200)}


def pictures(label, seconds=0.6):
    return np.full((round(10 * seconds), 48, 48, 3), COLOURS[label], np.uint8)


def make_picture_run(folder):
    """Write corpus and cache below ``folder``, train and predict the test split of one fold."""
    rows = []
    for i in range(18):
        label = CLASSES[i % 3]
        write_mp4(folder / "corpus" / f"u{i}.mp4", pictures(label), 10.0, sound(label))
        rows.append(
            {
                "id": f"u{i}",
                "speaker": f"s{i // 6}",
                "emotion": label,
                "video_path": f"u{i}.mp4",
                "transcript": label,
            }
        )
    pd.DataFrame(rows).to_csv(folder / "corpus" / "manifest.csv", index=False)
    face = ResNet(weights="random", architecture="resnet18", size=512, crop="centre", image_size=32)
    extractors = {"mfcc13": Mfcc(coefficients=13, bands=26), "words": Words(), "resnet18": face}
    preprocess(Generic(folder / "corpus", "small"), extractors, folder / "cache", progress=False)
    settings = make_settings(folder / "cache", folder / "run", folds=["s0"])
    encoders = settings["model"]["encoders"]
    settings["model"]["encoders"] = {
        "tone": encoders["tone"],
        "prose": encoders["prose"],
        "look": {**encoders["tone"]},
    }
    settings["streams"] = {
        "tone": {"extractor": "mfcc13", "normalise": "zscore"},
        "prose": {"extractor": "words", "vocabulary": True},
        "look": {"extractor": "resnet18", "normalise": "zscore"},
    }
    run = train(settings)
    evaluate(run)
    return run


def trained_again(run, folder, streams, **changes):
    """One fold and epoch of the same with some of its streams, and other settings of these; tested
    too.
    """
    kept = {name: {**run.config["streams"][name], **changes.get(name, {})} for name in streams}
    model = run.config["model"]
    encoders = {name: model["encoders"][name] for name in streams}
    short = {"run": str(folder), "folds": ["s0"], "trainer": {**run.config["trainer"], "epochs": 1}}
    other = train(
        {**run.config, "streams": kept, "model": {**model, "encoders": encoders}, **short}
    )
    evaluate(other)
    return other
