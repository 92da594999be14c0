"""Extraction: this project's pipeline against the one-file-at-a-time way, same outputs, in one process.

    python scripts/benchmark_extraction.py --clips 32 --seconds 4

The other side is how public code for this task runs: each video is decoded again for each modality, extractors see one
file at a time, sequences are padded to the maximum and each is written as one .npy. With --pad the pictures are padded
before the network too, as code does that stacks a corpus into one array first; without it, both sides compute the same
pictures. The networks have random weights: time does not depend on them. Both sides must agree to within --tolerance,
or the benchmark fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mmser.cache.store import Store
from mmser.core.clip import Clip, Features
from mmser.core.contracts import Extractor
from mmser.core.utterance import Utterance
from mmser.extraction.preprocess import preprocess
from mmser.extractors.audio.log_mel import LogMel
from mmser.extractors.audio.mfcc import Mfcc
from mmser.extractors.face.resnet import ResNet
from mmser.media.decode import decode_clips
from mmser.media.write import write_mp4

LONGEST = {"mfcc40": 1000, "log_mel": 1000, "resnet": 32}


class Videos:
    """Noise on moving gradients, a quarter to the whole of ``seconds`` long."""

    name = "benchmark"

    def __init__(self, folder: Path, clips: int, seconds: float, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.listed = []
        for number in range(clips):
            length = seconds * (0.25 + 0.75 * number / max(1, clips - 1))
            frames = int(length * 25)
            ramp = np.arange(640)[None, None, :] + np.arange(480)[None, :, None] + 3 * np.arange(frames)[:, None, None]
            pictures = np.repeat((ramp % 256).astype(np.uint8)[..., None], 3, axis=3)
            waveform = (0.1 * generator.standard_normal(int(length * 16000))).astype(np.float32)
            path = folder / f"{number}.mp4"
            write_mp4(path, pictures, 25.0, waveform)
            self.listed.append(Utterance(id=f"u{number}", corpus=self.name, speaker="s", video_path=path))

    def utterances(self) -> Iterator[Utterance]:
        return iter(self.listed)


def extractors() -> dict[str, Extractor]:
    """Two of sound, one of pictures."""
    face = ResNet(weights="random", architecture="resnet18", size=512, crop="centre", device="cpu")
    return {"mfcc40": Mfcc(), "log_mel": LogMel(), "resnet": face}


def full_length(clip: Clip, longest: int) -> Clip:
    """Pictures filled up with black ones to the maximum, all of which the network then sees; sound as it is."""
    if clip.frames is None:
        return clip
    black = np.zeros((longest - len(clip.frames), *clip.frames.shape[1:]), np.uint8)
    return replace(clip, frames=np.concatenate([clip.frames, black]))


def one_at_a_time(corpus: Videos, parts: Mapping[str, Extractor], folder: Path, pad: bool) -> float:
    """Seconds of the published way: decode per extractor, a batch of one, padding to the maximum, one .npy each."""
    begun = time.perf_counter()
    for name, extractor in parts.items():
        (folder / name).mkdir(parents=True)
        for utterance in corpus.utterances():
            clip = decode_clips([utterance], extractor.modality == "audio", extractor.modality == "face")[0]
            rows = None if clip.frames is None else len(clip.frames)
            result = extractor.extract([full_length(clip, LONGEST[name]) if pad else clip])[0]
            if not isinstance(result, Features):
                sys.exit(f"{utterance.id} failed: {result}")
            values = result.values[: rows or LONGEST[name]]
            padded = np.zeros((LONGEST[name], *values.shape[1:]), np.float32)
            padded[: len(values)] = values
            np.save(folder / name / f"{utterance.id}.npy", padded)
    return time.perf_counter() - begun


def pipeline(corpus: Videos, parts: Mapping[str, Extractor], folder: Path, workers: int) -> float:
    """Seconds of `preprocess`."""
    begun = time.perf_counter()
    preprocess(corpus, parts, folder, workers=workers, progress=False)
    return time.perf_counter() - begun


def largest_difference(corpus: Videos, cache: Path, folder: Path) -> float:
    """Relative to the largest value of each array."""
    worst = 0.0
    for directory in sorted((cache / corpus.name).glob("*-*")):
        store = Store(directory)
        name = store.info["extractor"]
        for key in store.ids:
            mine = store.read(key)[: LONGEST[name]].astype(np.float32)
            other = np.load(folder / name / f"{key}.npy")[: len(mine)]
            worst = max(worst, float(np.abs(mine - other).max() / np.abs(other).max()))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the longest clip")
    parser.add_argument("--workers", type=int, default=2, help="decoding threads of the pipeline")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pad", action="store_true", help="pad pictures before the network on the other side")
    parser.add_argument("--tolerance", type=float, default=2e-3, help="float16 storage included")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        corpus, parts = Videos(folder, options.clips, options.seconds, seed=0), extractors()
        warm = decode_clips(corpus.listed[:1], True, True)
        for extractor in parts.values():
            extractor.extract(warm)
        times: dict[str, list[float]] = {"pipeline": [], "one at a time": []}
        for number in range(options.rounds):
            times["pipeline"].append(pipeline(corpus, parts, folder / f"cache{number}", options.workers))
            times["one at a time"].append(one_at_a_time(corpus, parts, folder / f"npy{number}", options.pad))
        difference = largest_difference(corpus, folder / "cache0", folder / "npy0")
    threads = torch.get_num_threads()
    print(f"{options.clips} clips of 640x480, up to {options.seconds:g} s; {', '.join(parts)}; {threads} threads")
    for name, taken in times.items():
        print(f"{name:16}{min(taken):8.2f} s")
    print(f"ratio: {min(times['one at a time']) / min(times['pipeline']):.2f}; largest difference {difference:.1e}")
    if difference > options.tolerance:
        sys.exit(f"expected both sides to agree within {options.tolerance:g}; found {difference:.1e}")


if __name__ == "__main__":
    main()
