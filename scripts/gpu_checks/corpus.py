"""The plan of the synthetic corpus, hummed instead of spoken and put straight into caches: nothing
is decoded.

Sounds and words go through the real extractors where these are quick; numbers drawn at random stand
for the features of faces, of openSMILE and of pretrained networks, which `gpu_checks.extraction`
has its own checks for.
"""

from __future__ import annotations

import inspect
import wave
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from hydra.utils import get_class
from scipy.signal import resample_poly

from mmser.cache.entry import Entry
from mmser.cache.fingerprint import Recipe, recipe_of
from mmser.cache.layout import INFO, store_directory
from mmser.cache.writer import open_writer
from mmser.composition import built, compose
from mmser.core.clip import SAMPLE_RATE, Clip, Features, Transcript
from mmser.core.utterance import Utterance, Vote, Word
from mmser.corpora.manifest import to_table, write_manifest
from mmser.corpora.synthetic.script import Information, Line, lines, speakers

PER_SPEAKER = 4
RATES = (22_050,)
"""Sample rates beside 16 kHz."""

LABELS = {
    "synthetic": {"neutral": "neu", "happy": "hap", "sad": "sad", "angry": "ang"},
    "synthetic_meld": {"neutral": "neutral", "happy": "joy", "sad": "sadness", "angry": "anger"},
}
SPLITS = {1: "test", 2: "validation"}
"""Of the sessions of the corpus in MELD's layout; the others train."""

SLOW = (".face.", ".opensmile.")
SIZE = 24
"""Features per step where they are drawn."""


def read_corpus(name: str) -> list[tuple[Utterance, Clip]]:
    """Forty utterances of ten speakers and their clips; ``name`` is synthetic or synthetic_meld."""
    return [_spoken(name, place, line) for place, line in enumerate(_lines())]


def _lines() -> Iterator[Line]:
    for speaker in speakers():
        yield from lines(speaker, PER_SPEAKER, 4, Information(1.0, 1.0, 1.0), seed=0)


def _spoken(name: str, place: int, line: Line) -> tuple[Utterance, Clip]:
    emotion, session = LABELS[name][line.cues.emotion], line.speaker.session
    identifier, speaker = f"{name}_{place:03d}", f"{line.speaker.gender}{session}"
    waveform = hum(line)
    words = line.text.split()
    edges = np.linspace(0.0, len(waveform) / SAMPLE_RATE, len(words) + 1)
    timed = tuple(Word(word, float(edges[n]), float(edges[n + 1])) for n, word in enumerate(words))
    votes = tuple(
        Vote(who, (emotion,), valence=2.0, arousal=3.0, dominance=4.0)
        for who in ("one", "two", "three")
    )
    values = {"valence": 1.0 + place % 5, "arousal": 1.0 + place % 4, "dominance": 1.0 + place % 3}
    utterance = Utterance(
        identifier,
        name,
        speaker,
        session=str(session),
        dialogue=f"dialogue{session}",
        turn=place % (2 * PER_SPEAKER),
        transcript=line.text,
        words=timed,
        gender=line.speaker.gender,
        part=SPLITS.get(session, "train"),
        emotion=emotion,
        votes=votes,
        **values,
    )
    return utterance, make_clip(identifier, waveform, Transcript(line.text, "corpus", timed))


def make_clip(identifier: str, waveform: np.ndarray, transcript: Transcript | None = None) -> Clip:
    """A clip at every rate that an extractor asks for; mmser's own resampler needs a decoder's
    library.
    """
    others = {rate: resample_poly(waveform, rate, SAMPLE_RATE).astype(np.float32) for rate in RATES}
    return Clip(identifier, waveform, transcript=transcript, waveforms=others)


def hum(line: Line) -> np.ndarray:
    """(sample,) float32 at 16 kHz: about a second whose pitch and loudness are the planned
    manner's.
    """
    generator = np.random.default_rng(line.seed)
    seconds = 160 / line.manner.rate * float(generator.uniform(0.8, 1.2))
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = sum(
        np.sin(2 * np.pi * n * (80 + 2 * line.manner.pitch) * time) / n for n in range(1, 6)
    )
    noise = generator.normal(size=len(time)) * 0.02
    return (
        (harmonics * np.sin(np.pi * time / seconds) + noise) * 0.1 * line.manner.loudness
    ).astype(np.float32)


def write_wav(waveform: np.ndarray, path: Path) -> Path:
    """16 bit mono; needs no decoder's library."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(waveform, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def fill_caches(settings: Mapping[str, Any]) -> None:
    """The manifest and every store that a run of these settings reads, of each of its corpora,
    where missing.
    """
    stages = [dict(stage or {}) for stage in (settings.get("stages") or {}).values()]
    streams = [dict(settings["streams"]), *(dict(stage.get("streams") or {}) for stage in stages)]
    extractors = dict.fromkeys(
        str(s["extractor"]) for named in streams for s in named.values() if "extractor" in s
    )
    corpora = [
        settings["corpus"],
        *(domain["corpus"] for domain in (settings.get("domains") or {}).values()),
    ]
    for name in (str(built(corpus).name) for corpus in corpora):
        spoken = read_corpus(name)
        cache = Path(settings["cache"])
        write_manifest(
            to_table([utterance for utterance, _ in spoken]), cache / name / "manifest.parquet"
        )
        for extractor in extractors:
            _fill(cache, name, extractor, [clip for _, clip in spoken])


def is_drawn(config: Mapping[str, Any]) -> bool:
    """Whether random numbers stand for what this extractor would make."""
    return any(word in config["_target_"] for word in SLOW) or runs_a_network(config)


def runs_a_network(config: Mapping[str, Any]) -> bool:
    """Whether its class takes a device."""
    return "device" in inspect.signature(get_class(config["_target_"])).parameters


def extractor_config(name: str) -> dict[str, Any]:
    """An extractor's config, with random weights where it has any."""
    config = compose("preprocess", [f"+extractor@extractor.{name}={name}", "corpus=synthetic"])[
        "extractor"
    ][name]
    return {**config, "weights": "random"} if "weights" in config else dict(config)


def _fill(cache: Path, corpus: str, name: str, clips: list[Clip]) -> None:
    if list((cache / corpus).glob(f"{name}-*/{INFO}")):
        return
    config = extractor_config(name)
    if is_drawn(config):
        recipe = Recipe(name, config["_target_"], 0, {"drawn": SIZE}, random_weights=True)
        results = [_drawn(config["_target_"], clip) for clip in clips]
    else:
        extractor = built(config)
        recipe = recipe_of(
            name, extractor, {"source": "corpus"} if extractor.modality == "text" else None
        )
        results = extractor.extract(clips)
    with open_writer(
        store_directory(cache, corpus, name, "", recipe.fingerprint), recipe
    ) as writer:
        writer.add(
            [Entry(clip.id, "0" * 64, result) for clip, result in zip(clips, results, strict=True)]
        )
        writer.finish()


def _drawn(target: str, clip: Clip) -> Features:
    generator = np.random.default_rng([ord(letter) for letter in clip.id])
    seconds = len(clip.waveform) / SAMPLE_RATE
    if ".text." in target:
        spans = np.array([(word.start, word.end) for word in clip.transcript.words], np.float32)
        return Features(generator.normal(size=(len(spans), SIZE)).astype(np.float32), spans=spans)
    rate = 8.0 if ".face." in target else 50.0
    return Features(
        generator.normal(size=(max(2, int(rate * seconds)), SIZE)).astype(np.float32), rate
    )
