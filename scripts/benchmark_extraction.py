"""Extraction: this project's pipeline against the one-file-at-a-time way, same outputs, in one
process.

    python scripts/benchmark_extraction.py --clips 16 --seconds 4

The other side is how public code for this task runs: each video is decoded again for each modality,
extractors see one file at a time, sequences are padded to the maximum and each is written as one
.npy. With --pad the pictures are padded before the network too, as code does that stacks a corpus
into one array first; without it, both sides compute the same pictures. The networks have random
weights: time does not depend on them. Both sides must agree to within --tolerance, or the benchmark
fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torchvision.models import get_model

from mmser.cache.store import Store
from mmser.core.clip import Clip, Features
from mmser.core.contracts import Extractor
from mmser.core.utterance import Utterance
from mmser.extraction.preprocess import preprocess
from mmser.extractors.audio.log_mel import LogMel
from mmser.extractors.audio.mfcc import Mfcc
from mmser.extractors.face.resnet import ResNet
from mmser.extractors.pictures.recipe import Crop
from mmser.media.decode import decode_clips
from mmser.media.write import write_mp4

SWITCHES = {"detect_scale": 0.5, "detect_every": 8, "precision": "bfloat16"}
Parts = dict[str, Extractor]
SUFFIXES = (".mp4", ".avi", ".mpg", ".mov", ".webm", ".mkv")
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
            ramp = (
                np.arange(640)[None, None, :]
                + np.arange(480)[None, :, None]
                + 3 * np.arange(frames)[:, None, None]
            )
            pictures = np.repeat((ramp % 256).astype(np.uint8)[..., None], 3, axis=3)
            waveform = (0.1 * generator.standard_normal(int(length * 16000))).astype(np.float32)
            path = folder / f"{number}.mp4"
            write_mp4(path, pictures, 25.0, waveform)
            self.listed.append(
                Utterance(id=f"u{number}", corpus=self.name, speaker="s", video_path=path)
            )

    def utterances(self) -> Iterator[Utterance]:
        return iter(self.listed)


class Folder:
    """Every file of a folder of real videos."""

    name = "benchmark"

    def __init__(self, folder: Path) -> None:
        files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
        self.listed = [
            Utterance(f"u{n}", self.name, speaker="s", video_path=path)
            for n, path in enumerate(files)
        ]

    def utterances(self) -> Iterator[Utterance]:
        return iter(self.listed)


def extractors(folder: Path, architecture: str, crop: Crop) -> Parts:
    """Two of sound, one of pictures: the whole published network, from a checkpoint with random
    numbers in it.
    """
    torch.manual_seed(0)
    network = get_model(architecture, weights=None)
    torch.save(network.state_dict(), folder / "network.pth")
    size = network.fc.in_features
    face = ResNet(
        weights=str(folder / "network.pth"),
        architecture=architecture,
        size=size,
        crop=crop,
        device="cpu",
    )
    return {"mfcc40": Mfcc(), "log_mel": LogMel(), "resnet": face}


def full_length(clip: Clip, longest: int) -> Clip:
    """Pictures filled up with black ones to the maximum, all of which the network then sees; sound
    as it is.
    """
    if clip.frames is None:
        return clip
    black = np.zeros((longest - len(clip.frames), *clip.frames.shape[1:]), np.uint8)
    return replace(clip, frames=np.concatenate([clip.frames, black]))


def one_at_a_time(corpus: Videos | Folder, parts: Parts, folder: Path, pad: bool) -> float:
    """Seconds of the published way: decode per extractor, a batch of one, padding to the maximum,
    one .npy each.
    """
    begun = time.perf_counter()
    for name, extractor in parts.items():
        (folder / name).mkdir(parents=True)
        for utterance in corpus.utterances():
            clip = decode_clips(
                [utterance], extractor.modality == "audio", extractor.modality == "face"
            )[0]
            rows = len(clip.frames) if pad and clip.frames is not None else None
            result = extractor.extract([full_length(clip, LONGEST[name]) if pad else clip])[0]
            if not isinstance(result, Features):
                # Real clips may have no sound, or no face: neither side stores anything then.
                continue
            values = result.values[: rows or LONGEST[name]]
            padded = np.zeros((LONGEST[name], *values.shape[1:]), np.float32)
            padded[: len(values)] = values
            np.save(folder / name / f"{utterance.id}.npy", padded)
    return time.perf_counter() - begun


def pipeline(corpus: Videos | Folder, parts: Parts, folder: Path, workers: int) -> float:
    """Seconds of `preprocess`."""
    begun = time.perf_counter()
    preprocess(corpus, parts, folder, workers=workers, progress=False)
    return time.perf_counter() - begun


def largest_difference(corpus: Videos | Folder, cache: Path, folder: Path) -> float:
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the longest clip")
    parser.add_argument("--workers", type=int, default=2, help="decoding processes of the pipeline")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--architecture", default="resnet50", help="torchvision's name")
    parser.add_argument(
        "--media", type=Path, help="a folder of real videos instead: faces are looked for in them"
    )
    parser.add_argument(
        "--fast", action="store_true", help="the pipeline with its switches that change the outputs"
    )
    parser.add_argument(
        "--pad", action="store_true", help="pad pictures before the network on the other side"
    )
    parser.add_argument("--tolerance", type=float, default=2e-3, help="float16 storage included")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if options.media:
            corpus: Videos | Folder = Folder(options.media)
        else:
            corpus = Videos(folder, options.clips, options.seconds, seed=0)
        parts = extractors(folder, options.architecture, "face" if options.media else "centre")
        ours = parts | {"resnet": replace(parts["resnet"], **SWITCHES)} if options.fast else parts
        warm = decode_clips(corpus.listed[:1], True, True)
        for extractor in (*parts.values(), *ours.values()):
            extractor.extract(warm)
        times: dict[str, list[float]] = {"pipeline": [], "one at a time": []}
        for number in range(options.rounds):
            times["pipeline"].append(
                pipeline(corpus, ours, folder / f"cache{number}", options.workers)
            )
            times["one at a time"].append(
                one_at_a_time(corpus, parts, folder / f"npy{number}", options.pad)
            )
        difference = largest_difference(corpus, folder / "cache0", folder / "npy0")
    what = (
        "real clips, faces found by MTCNN"
        if options.media
        else f"of 640x480, up to {options.seconds:g} s"
    )
    print(
        f"{len(corpus.listed)} {what}; mfcc40, log_mel, {options.architecture}; "
        f"{torch.get_num_threads()} threads"
    )
    for name, taken in times.items():
        print(f"{name:16}{min(taken):8.2f} s")
    print(
        f"ratio: {min(times['one at a time']) / min(times['pipeline']):.2f}; largest difference "
        f"{difference:.1e}"
    )
    if difference > options.tolerance and not options.fast:
        sys.exit(
            f"expected both sides to agree within {options.tolerance:g}; found {difference:.1e}"
        )


if __name__ == "__main__":
    main()
