"""`mmser preprocess` over wav files, from decoding to the cache, beside a loop that a user would
write.

    python scripts/benchmark_preprocess.py --device cuda --clips 600

Rows: each extractor without a network in all processes against one (their caches must be equal,
byte for byte); wav2vec 2.0 of base size, random weights, against a bare transformers loop of the
same network over batches of 16 padded clips, which reads its files in turn and stores nothing.
Clips are noise of 2 to 10 s: time does not depend on what is heard. Imports and the making of the
networks are excluded on both sides, the start of worker processes is ours. Ours must agree with the
network alone on single clips to within --tolerance, or the benchmark fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmser.cache.store import Store
from mmser.composition import built
from mmser.core.configs import load_config
from mmser.core.contracts import Extractor
from mmser.core.utterance import Utterance
from mmser.extraction.batches import core_count
from mmser.extraction.preprocess import preprocess

RATE, BATCH, COMPARED = 16_000, 16, 3
BARE = 320
"""Clips of the bare loop at most: its rate does not depend on how many there are."""


class Wavs:
    """Noise of 2 to 10 s, one file each."""

    name = "benchmark"

    def __init__(self, folder: Path, clips: int, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        folder.mkdir()
        self.paths = [folder / f"{number:05d}.wav" for number in range(clips)]
        self.seconds = 0.0
        noise = generator.normal(0, 3000, 12 * RATE).astype("<i2")
        for path in self.paths:
            begin, length = generator.integers(RATE), int(generator.uniform(2, 10) * RATE)
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(noise[begin : begin + length].tobytes())
            self.seconds += length / RATE

    def utterances(self) -> Iterator[Utterance]:
        for path in self.paths:
            yield Utterance(path.stem, self.name, speaker="s", audio_path=path)


def timed(what: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def told(title: str, corpus: Wavs, seconds: float, clips: int | None = None) -> float:
    """Print a row; its clips a second."""
    rate = (clips or len(corpus.paths)) / seconds
    factor = rate * corpus.seconds / len(corpus.paths)
    print(f"{title:44}{rate:9.1f} clips/s{factor:9.0f}x real time{seconds:8.2f} s", flush=True)
    return rate


def shards(cache: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(cache)): path.read_bytes()
        for path in sorted(cache.rglob("*.safetensors"))
    }


def without_a_network(name: str, corpus: Wavs, folder: Path, workers: int) -> bool:
    """All processes against one; whether the caches are equal."""
    extractor: Extractor = built(load_config("extractor", name))
    extractor.extract([])
    caches = {}
    for count in (workers, 0):
        cache = folder / f"{name}-{count}"
        seconds = timed(
            lambda count=count, cache=cache: preprocess(
                corpus, {name: extractor}, cache, workers=count
            )
        )
        told(f"{name}, {count or 'no'} worker processes", corpus, seconds)
        caches[count] = shards(cache)
    return caches[workers] == caches[0]


def waveform(path: Path) -> np.ndarray:
    """(sample,) float32 of mean 0 and variance 1, as the network wants it."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    values = samples.astype(np.float32) / 32768
    return (values - values.mean()) / np.sqrt(values.var() + 1e-7)


def bare_loop(model: Any, paths: Sequence[Path], batch: int, device: str) -> list[np.ndarray]:
    """What a user would write: files in turn, batches padded to their longest clip."""
    import torch

    dtype = next(model.parameters()).dtype
    found: list[np.ndarray] = []
    for at in range(0, len(paths), batch):
        rows = [torch.from_numpy(waveform(path)) for path in paths[at : at + batch]]
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device, dtype)
        with torch.inference_mode():
            hidden = model(padded).last_hidden_state
        found += list(hidden.float().cpu().numpy())
    return found


class Beside(NamedTuple):
    """Clips a second of a bare loop and of `preprocess`, and the largest relative difference of the
    latter's features from those of single clips.
    """

    bare: float
    ours: float
    difference: float


def network(corpus: Wavs, folder: Path, device: str, precision: str, workers: int) -> Beside:
    """wav2vec 2.0 of base size, both ways."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2Model
    from transformers.utils import logging

    from mmser.extractors.audio.wav2vec2 import Wav2Vec2

    logging.disable_progress_bar()
    torch.manual_seed(0)
    checkpoint = folder / "wav2vec2-base"
    if not checkpoint.exists():
        Wav2Vec2Model(Wav2Vec2Config()).save_pretrained(checkpoint)
    model = Wav2Vec2Model.from_pretrained(
        checkpoint, dtype=getattr(torch, "bfloat16" if precision == "bfloat16" else "float32")
    )
    model = model.eval().to(device)
    bare_loop(model, corpus.paths[:BATCH], BATCH, device)
    some = corpus.paths[:BARE]
    seconds = timed(lambda: bare_loop(model, some, BATCH, device))
    bare = told(f"wav2vec2 base {precision}, bare loop, batch {BATCH}", corpus, seconds, len(some))
    extractor = Wav2Vec2(weights=str(checkpoint), device=device, precision=precision)
    warm = Wavs(folder / f"warm-{precision}", min(64, len(corpus.paths)), seed=1)
    preprocess(warm, {"wav2vec2": extractor}, folder / f"w-{precision}", progress=False)
    cache = folder / f"cache-{precision}"
    seconds = timed(lambda: preprocess(corpus, {"wav2vec2": extractor}, cache, workers=workers))
    ours = told(f"wav2vec2 base {precision}, preprocess", corpus, seconds)
    print(f"ratio of rates, ours to the bare loop: {ours / bare:.2f}", flush=True)
    store = Store(next((cache / corpus.name).glob("wav2vec2-*/")))
    worst = 0.0
    for path in corpus.paths[:COMPARED]:
        (alone,) = bare_loop(model, [path], 1, device)
        mine = store.read(path.stem).astype(np.float32)
        worst = max(worst, float(np.abs(mine - alone).max() / np.abs(alone).max()))
    return Beside(bare, ours, worst)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--workers", type=int, default=core_count(), help="default: every core")
    parser.add_argument("--extractors", nargs="*", default=["mfcc40", "log_mel"])
    parser.add_argument("--precision", nargs="*", default=["float32"], metavar="DTYPE")
    parser.add_argument("--tolerance", type=float, default=2e-3, help="float16 storage included")
    options = parser.parse_args()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        corpus = Wavs(folder / "wavs", options.clips)
        print(f"{options.clips} clips, {corpus.seconds:.0f} s of sound, {core_count()} cores")
        wrong = [
            f"{name}: the caches differ"
            for name in options.extractors
            if not without_a_network(name, corpus, folder, options.workers)
        ]
        for precision in options.precision:
            worst = network(corpus, folder, options.device, precision, options.workers).difference
            print(f"largest difference from single clips: {worst:.1e}")
            if precision == "float32" and worst > options.tolerance:
                wrong.append(f"wav2vec2: {worst:.1e}")
    if wrong:
        sys.exit("; ".join(wrong))


if __name__ == "__main__":
    main()
