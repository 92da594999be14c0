"""A small run on sound and words, both made by real extractors, so that a new recording can be
predicted.
"""

import numpy as np
import pandas as pd

from makers.trained_run import CLASSES, make_settings
from mmser.core.clip import SAMPLE_RATE, Transcript
from mmser.corpora.generic import Generic
from mmser.evaluation.evaluate import evaluate
from mmser.extraction.preprocess import preprocess
from mmser.extractors.audio.mfcc import Mfcc
from mmser.extractors.text.words import Words
from mmser.media.write import write_wav
from mmser.training.fit import train

PITCHES = {"angry": 1800.0, "happy": 900.0, "sad": 3000.0}


def sound(label, seconds=0.6):
    return (
        0.3
        * np.sin(2 * np.pi * PITCHES[label] * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    ).astype("f4")


def make_sound_run(folder, folds=("s0", "s1"), tone=None, speakers=3, **changes):
    """Write corpus and cache below ``folder``, train and predict the test splits.

    ``tone`` changes how the sound's stream is read.
    """
    rows = []
    (folder / "corpus").mkdir(parents=True)
    for i in range(18):
        label = CLASSES[i % 3]
        write_wav(folder / "corpus" / f"u{i}.wav", sound(label, 0.5 + 0.02 * i))
        known = {
            "id": f"u{i}",
            "speaker": f"s{i * speakers // 18}",
            "emotion": label,
            "transcript": f"{label} day",
        }
        rows.append({**known, "audio_path": f"u{i}.wav"})
    pd.DataFrame(rows).to_csv(folder / "corpus" / "manifest.csv", index=False)
    extractors = {"mfcc13": Mfcc(coefficients=13, bands=26), "words": Words()}
    preprocess(Generic(folder / "corpus", "small"), extractors, folder / "cache", progress=False)
    streams = {
        "tone": {"extractor": "mfcc13", "normalise": "zscore", **(tone or {})},
        "prose": {"extractor": "words", "vocabulary": True},
    }
    run = train(
        make_settings(
            folder / "cache", folder / "run", folds=list(folds), streams=streams, **changes
        )
    )
    evaluate(run)
    return run


class Recogniser:
    """Hears the class by its pitch."""

    def transcribe(self, waveforms):
        heard = []
        for waveform in waveforms:
            pitch = np.abs(np.fft.rfft(waveform)).argmax() * SAMPLE_RATE / len(waveform)
            heard.append(
                Transcript(min(PITCHES, key=lambda label: abs(PITCHES[label] - pitch)), "test")
            )
        return heard


def stand_ins(monkeypatch):
    """Tones are no speech to Silero, and no words to a real recogniser."""
    from mmser.inference import cutting, timeline

    monkeypatch.setattr(
        cutting, "load_detector", lambda: lambda chunk: float(np.abs(chunk).mean() > 0.02)
    )
    monkeypatch.setattr(timeline, "make_transcriber", lambda name, settings: Recogniser())


def write_recording(path):
    """Happy from 1 s to 2 s, sad from 3 s to 4 s, silence between."""
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    write_wav(path, np.concatenate([quiet, sound("happy", 1.0), quiet, sound("sad", 1.0), quiet]))
    return path
