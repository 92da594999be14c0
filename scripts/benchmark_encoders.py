"""Speech encoders: this project's extractors against a bare loop over transformers, in one run.

    python scripts/benchmark_encoders.py --device cuda
    python scripts/benchmark_encoders.py --device cpu --only "wav2vec2 base"

On a GPU both sides take the same clips, the bare loop in batches of 16 (float32) and 64 (bfloat16)
in the order of the corpus, padded and masked as the documentation of transformers shows; it is real
time over wall time. On a CPU the bare loop takes one clip at a time, each side is a process of its
own, and CPU seconds and peak memory count. Networks have random weights and published sizes: time
does not depend on weights. What both make of single clips must agree (float32, relative to the
largest value) to --tolerance, or the benchmark fails.
"""

from __future__ import annotations

import argparse
import copy
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

import numpy as np

from mmser.core.clip import SAMPLE_RATE, Clip

LARGE = {
    "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
    "intermediate_size": 4096, "feat_extract_norm": "layer", "do_stable_layer_norm": True,
    "conv_bias": True,
}  # fmt: skip
NETWORKS = ("wav2vec2 base", "wav2vec2 large", "wavlm base", "whisper base")
BARE_BATCHES = {"float32": 16, "bfloat16": 64}


def clips(count: int, shortest: float, longest: float, mean: float | None = None) -> list[Clip]:
    """Noise; lengths are uniform, or around a mean as EMO-DB's are."""
    generator = np.random.default_rng(0)
    made = []
    for number in range(count):
        seconds = generator.uniform(shortest, longest)
        if mean is not None:
            drawn = mean * generator.lognormal(0.0, 0.35) / np.exp(0.35**2 / 2)
            seconds = float(np.clip(drawn, shortest, longest))
        noise = 0.1 * generator.standard_normal(int(seconds * SAMPLE_RATE))
        made.append(Clip(f"c{number}", noise.astype(np.float32)))
    return made


def seconds_of(sound: Sequence[Clip]) -> float:
    return sum(len(clip.waveform) for clip in sound if clip.waveform is not None) / SAMPLE_RATE


def network(name: str, device: str) -> Any:
    """Random weights of a published size, in evaluation mode; each call gives its own copy."""
    return copy.deepcopy(_network(name, device))


@lru_cache
def _network(name: str, device: str) -> Any:
    import torch

    torch.manual_seed(0)
    # A GPU draws the numbers of a large network in no time.
    with torch.device(device):
        return _built(name).eval().requires_grad_(False)


def _built(name: str) -> Any:
    import torch
    import transformers as hf

    if name == "whisper base":
        from mmser.extractors.networks.whisper import new_encoder

        made = new_encoder(80, 512, 6, 8)
        torch.nn.init.normal_(made.positional_embedding, std=0.1)
        return made
    if name == "wavlm base":
        return hf.WavLMModel(hf.WavLMConfig())
    return hf.Wav2Vec2Model(hf.Wav2Vec2Config(**(LARGE if name.endswith("large") else {})))


def extractor(name: str, device: str, precision: str) -> Any:
    """The extractor with `network` in place of a checkpoint's."""
    from mmser.extractors.audio.wav2vec2 import Wav2Vec2
    from mmser.extractors.audio.whisper_encoder import WhisperEncoder
    from mmser.extractors.networks.whisper import with_exact_norms

    kind = WhisperEncoder if name == "whisper base" else Wav2Vec2
    size = {"whisper base": 512, "wav2vec2 large": 1024}.get(name, 768)
    made = kind(weights="random", size=size, device=device, precision=precision)  # type: ignore[arg-type]
    model = made.placed(network(name, device))
    vars(made)["_model"] = with_exact_norms(model) if name == "whisper base" else model
    return made


class Bare:
    """What a user writes with transformers (or whisper) and nothing else."""

    def __init__(self, name: str, device: str, precision: str) -> None:
        import torch

        self.name, self.device = name, device
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.model = network(name, device).to(self.dtype)
        if name == "whisper base":
            from mmser.extractors.networks.whisper import with_exact_norms

            with_exact_norms(self.model)

    def __call__(self, sound: Sequence[Clip]) -> list[np.ndarray]:
        import torch

        waveforms = [clip.waveform for clip in sound]
        with torch.inference_mode():
            if self.name == "whisper base":
                return self._whisper(waveforms)
            return self._speech(waveforms)

    def _speech(self, waveforms: list[Any]) -> list[np.ndarray]:
        from transformers import Wav2Vec2FeatureExtractor

        own = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
        given = own(waveforms, sampling_rate=SAMPLE_RATE, return_tensors="pt", padding=True)
        values = given["input_values"].to(self.device, self.dtype)
        mask = given["attention_mask"].to(self.device)
        out = self.model(values, attention_mask=mask if len(waveforms) > 1 else None)
        lengths = self.model._get_feat_extract_output_lengths(given["attention_mask"].sum(-1))
        rows = out.last_hidden_state.float().cpu().numpy()
        return [row[:n] for row, n in zip(rows, lengths.tolist(), strict=True)]

    def _whisper(self, waveforms: list[Any]) -> list[np.ndarray]:
        import torch
        from whisper import log_mel_spectrogram, pad_or_trim

        mels = [log_mel_spectrogram(pad_or_trim(waveform)) for waveform in waveforms]
        rows = self.model(torch.stack(mels).to(self.device, self.dtype)).float().cpu().numpy()
        return [
            row[: -(-len(waveform) // 320)] for row, waveform in zip(rows, waveforms, strict=True)
        ]


def in_batches(run: Callable[..., Any], sound: Sequence[Clip], size: int) -> float:
    """Wall seconds."""
    begun = time.perf_counter()
    for start in range(0, len(sound), size):
        run(sound[start : start + size])
    return time.perf_counter() - begun


def difference(ours: Any, bare: Bare, sound: Sequence[Clip]) -> float:
    """Largest, relative to the largest value; ours in one batch, theirs clip by clip."""
    worst = 0.0
    for clip, found in zip(sound, ours.extract(sound), strict=True):
        (expected,) = bare([clip])
        values = found.values.astype(np.float32)
        worst = max(worst, float(np.abs(values - expected).max() / np.abs(expected).max()))
    return worst


def on_gpu(name: str, sound: Sequence[Clip], chunk: int, bare_clips: int) -> float:
    """Print a row per precision; the difference in float32."""
    from mmser.extractors.networks.devices import arithmetic

    worst, fewer = 0.0, sound[:bare_clips]
    for precision, size in BARE_BATCHES.items():
        ours, bare = extractor(name, "cuda", precision), Bare(name, "cuda", precision)
        with arithmetic("float32"):
            apart = difference(ours, bare, sound[:5])
            in_batches(bare, sound[:size], size)
            theirs = seconds_of(fewer) / in_batches(bare, fewer, size)
        ours.extract(sound[:chunk])
        mine = seconds_of(sound) / in_batches(ours.extract, sound, chunk)
        if precision == "float32":
            worst = apart
        print(
            f"{name:15} {precision:9} extractor {mine:8.0f}x   bare loop, batch {size}: "
            f"{theirs:7.0f}x   ratio {mine / theirs:5.2f}   differs by {apart:.1e}",
            flush=True,
        )
        del ours, bare
    return worst


def on_cpu(name: str, sound: Sequence[Clip], rounds: int) -> float:
    """Print CPU seconds and peak memory of both; the difference."""
    taken: dict[str, list[tuple[float, float]]] = {"extractor": [], "bare loop": []}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for _ in range(rounds):
            for side in taken:
                taken[side].append(pool.submit(cpu_side, side, name, sound).result())
    best = {side: min(values) for side, values in taken.items()}
    apart = difference(extractor(name, "cpu", "float32"), Bare(name, "cpu", "float32"), sound[:3])
    print(
        f"{name:15} float32   extractor {best['extractor'][0]:.1f} CPU s, "
        f"{best['extractor'][1]:.0f} MiB   bare loop {best['bare loop'][0]:.1f} CPU s, "
        f"{best['bare loop'][1]:.0f} MiB   ratio "
        f"{best['extractor'][0] / best['bare loop'][0]:.2f}   differs by {apart:.1e}",
        flush=True,
    )
    return apart


def cpu_side(side: str, name: str, sound: Sequence[Clip]) -> tuple[float, float]:
    """CPU seconds without imports and building, and the peak of the process in MiB."""
    if side == "extractor":
        run: Callable[..., Any] = extractor(name, "cpu", "float32").extract
    else:
        run = Bare(name, "cpu", "float32")
    run(sound[:1])
    begun = time.process_time()
    in_batches(run, sound, 16 if side == "extractor" else 1)
    used = time.process_time() - begun
    return used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--clips", type=int, help="default: 600 on a GPU, 57 on a CPU")
    parser.add_argument("--chunk", type=int, default=64, help="clips in one call on a GPU")
    parser.add_argument("--bare-clips", type=int, help="of the bare loop on a GPU (default: all)")
    parser.add_argument("--rounds", type=int, default=2, help="of both sides in turn on a CPU")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="float16 storage included")
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if options.device == "cuda":
        sound = clips(options.clips or 600, 2.0, 10.0)
        fewer = options.bare_clips or len(sound)
        worst = max(on_gpu(name, sound, options.chunk, fewer) for name in options.only)
    else:
        sound = clips(options.clips or 57, 1.2, 9.0, mean=2.8)
        worst = max(on_cpu(name, sound, options.rounds) for name in options.only)
    if not worst <= options.tolerance:
        sys.exit(f"expected both sides within {options.tolerance:g}; found {worst:.1e}")


if __name__ == "__main__":
    main()
