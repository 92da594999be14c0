"""How much a padding-aware training step saves: our systems against the same networks padded to the
maximum.

    python scripts/benchmark_step.py [--systems mcsan ...] [--batch-size 32] [--batches 6]
    [--threads 1] [--device cpu] [--compile]

Three sides take turns on the same rows in one run: float32 padded to the batch's longest
(length-bucketed, masks), float32 padded to the paper's maximum, and float64 padded to the maximum
(how published code runs). Lengths are drawn like IEMOCAP's: log-normal seconds, 100 frames, 2.6
words and 3 faces per second. On the CPU time is CPU time, so that other work on the machine matters
little; only the ratios of one run mean anything. On a GPU ours is also measured under bfloat16 and
replayed as CUDA graphs (every bucket recorded before), and each side tells what the GPU was busy
with in its last step: milliseconds, and kernels started.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream, empty_context
from mmser.core.task import Task
from mmser.models.compiled import compile_parts
from mmser.models.encoders.audio.conv_bilstm import ConvBiLSTM
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.encoders.sequence.mixed_bigru import Layout, MixedBiGRU
from mmser.models.encoders.sequence.recurrent import RecurrentEncoder
from mmser.models.encoders.text.embedding_gru import EmbeddingGRU
from mmser.models.fusion.amh import AMH
from mmser.models.fusion.ks_transformer.fusion import KSTransformer
from mmser.models.fusion.mcsan import MCSAN
from mmser.models.fusion.self_cross_attention import SelfCrossAttention
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.models.replay.forward import use_cuda_graphs

TASK = Task(classes=tuple("abcdefg"))
VOCABULARY = 3000
RATES = {"audio": 100.0, "text": 2.6, "face": 3.0}


@dataclass(frozen=True)
class Case:
    """A system with its published sizes: input sizes and maximum lengths by stream (size 0: word
    indices).

    ``published`` builds the padded sides where the released layout is another than ours.
    """

    build: Callable[[], MultimodalModel]
    sizes: dict[str, int]
    limits: dict[str, int]
    published: Callable[[], MultimodalModel] | None = None


def mcsan() -> MultimodalModel:
    return build_model(
        {"audio": ConvBiLSTM, "text": partial(RecurrentEncoder, cell="lstm", merge="mean")},
        MCSAN,
        partial(Classifier, hidden_sizes=[128], dropout=0.3),
        {"audio": 40, "text": 300},
        TASK,
    )


def amh() -> MultimodalModel:
    return build_model(
        {
            "audio": partial(
                RecurrentEncoder, hidden_size=200, bidirectional=False, input_dropout=0.3
            ),
            "text": partial(EmbeddingGRU, hidden_size=200, input_dropout=0.7),
            "face": partial(
                RecurrentEncoder, hidden_size=128, bidirectional=False, input_dropout=0.3
            ),
        },
        AMH,
        Classifier,
        {"audio": 120, "text": VOCABULARY, "face": 2048},
        TASK,
    )


def attention(layout: Layout, cross: bool) -> MultimodalModel:
    """Rajan et al.; as released: time mixing, dropout on the attention weights."""
    released = layout == "released"
    return build_model(
        {
            "audio": partial(
                MixedBiGRU, layout=layout, steps=1000, mixed_steps=500, projected_size=120, stride=2
            ),
            "text": partial(MixedBiGRU, layout=layout, steps=128, input_dropout=0.25),
            "face": partial(MixedBiGRU, layout=layout, steps=32, mixed_steps=25),
        },
        partial(
            SelfCrossAttention,
            within=not cross,
            cross=cross,
            dropout=0.0 if released else 0.1,
            weight_dropout=0.1 if released else 0.0,
        ),
        Classifier,
        ATTENTION_SIZES,
        TASK,
    )


def ks_transformer(padding: Literal["masked", "released"]) -> MultimodalModel:
    return build_model(
        {"audio": Identity, "text": Identity},
        partial(KSTransformer, padding=padding),
        partial(Classifier, hidden_sizes=[768, 384], dropout=0.5, input_dropout=0.0),
        {"audio": 512, "text": 1024},
        TASK,
    )


ATTENTION_SIZES = {"audio": 120, "text": 300, "face": 2048}
ATTENTION_LIMITS = {"audio": 1000, "text": 128, "face": 32}
CASES = {
    "mcsan": Case(mcsan, {"audio": 40, "text": 300}, {"audio": 1000, "text": 128}),
    "amh": Case(
        amh, {"audio": 120, "text": 0, "face": 2048}, {"audio": 750, "text": 128, "face": 25}
    ),
    "self_attention": Case(
        partial(attention, "masked", False),
        ATTENTION_SIZES,
        ATTENTION_LIMITS,
        partial(attention, "released", False),
    ),
    "cross_attention": Case(
        partial(attention, "masked", True),
        ATTENTION_SIZES,
        ATTENTION_LIMITS,
        partial(attention, "released", True),
    ),
    "ks_transformer": Case(
        partial(ks_transformer, "masked"),
        {"audio": 512, "text": 1024},
        {"audio": 460, "text": 20},
        partial(ks_transformer, "released"),
    ),
}


def lengths_in_batches(rows: int, batches: int, generator: torch.Generator) -> list[Tensor]:
    """Seconds (rows,) of each batch: neighbours in length, from short to long, evenly over the
    corpus.
    """
    seconds = torch.exp(torch.randn(rows * batches, generator=generator) * 0.65 + 1.27).clamp(
        0.6, 34.0
    )
    return list(seconds.sort().values.split(rows))


def example(case: Case, seconds: Tensor, generator: torch.Generator) -> dict[str, Stream]:
    """The rows padded to the longest of the batch."""
    streams = {}
    for name, size in case.sizes.items():
        lengths = (seconds * RATES[name]).long().clamp(1, case.limits[name])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        if size:
            values = torch.randn(*mask.shape, size, generator=generator)
        else:
            values = torch.randint(1, VOCABULARY, mask.shape, generator=generator)
        streams[name] = Stream(values, mask)
    return streams


def to_the_maximum(case: Case, streams: dict[str, Stream]) -> dict[str, Stream]:
    """The same rows with zeros up to the paper's maximum, taken for real as published code does."""
    padded = {}
    for name, stream in streams.items():
        missing = case.limits[name] - stream.mask.shape[1]
        filled = stream.filled(0)
        values = torch.cat(
            [filled, filled.new_zeros(len(filled), missing, *filled.shape[2:])], dim=1
        )
        padded[name] = Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))
    return padded


class Side:
    """One model with its optimizer in one precision; `step` gives the seconds of one
    training step.
    """

    def __init__(
        self,
        build: Callable[[], MultimodalModel],
        dtype: torch.dtype,
        device: str,
        autocast: bool = False,
        graphs: bool = False,
        compiled: bool = False,
    ) -> None:
        torch.manual_seed(0)
        self.model = build().to(device=device, dtype=dtype)
        if compiled:
            compile_parts(self.model)
        if graphs:
            use_cuda_graphs(self.model)
        on_gpu = device != "cpu"
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=1e-3, fused=True if on_gpu else None
        )
        self.precision = partial(torch.autocast, device, torch.bfloat16, autocast)
        self.dtype, self.device = dtype, device
        self.clock = time.process_time if device == "cpu" else time.perf_counter

    def step(self, streams: dict[str, Stream], target: Tensor) -> float:
        moved = {
            n: s.to(self.device, self.dtype if s.values.is_floating_point() else None)
            for n, s in streams.items()
        }
        target = target.to(self.device)
        context = empty_context(len(target), torch.device(self.device))
        self._wait()
        start = self.clock()
        with self.precision():
            logits = self.model(moved, context).logits
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(logits.to(self.dtype), target).backward()
        self.optimizer.step()
        self._wait()
        return self.clock() - start

    def busy(self, streams: dict[str, Stream], target: Tensor) -> str:
        """What the GPU did in one more step."""
        if self.device == "cpu":
            return ""
        activities = [torch.profiler.ProfilerActivity.CUDA]
        with torch.profiler.profile(activities=activities) as profiler:
            self.step(streams, target)
        started = [
            event
            for event in profiler.events()
            if event.device_type == torch.autograd.DeviceType.CUDA
        ]
        spent = sum(event.time_range.elapsed_us() for event in started) / 1e3
        return f"  busy {spent:7.2f} ms  {len(started):5} kernels"

    def _wait(self) -> None:
        if self.device != "cpu":
            torch.cuda.synchronize()


def make_sides(case: Case, device: str, compiled: bool) -> dict[str, tuple[Side, bool]]:
    """Every side by its name, and whether it is padded to the maximum."""
    published = case.published or case.build
    single, double = torch.float32, torch.float64
    sides = {"ours, float32": (Side(case.build, single, device, compiled=compiled), False)}
    if device != "cpu":
        for label, autocast, graphs in (
            ("ours, graphs", False, True),
            ("ours, bf16", True, False),
            ("ours, bf16, graphs", True, True),
        ):
            sides[label] = Side(case.build, single, device, autocast, graphs, compiled), False
    sides["maximum, float32"] = Side(published, single, device), True
    sides["maximum, float64"] = Side(published, double, device), True
    return sides


def compare(name: str, case: Case, rows: int, batches: int, device: str, compiled: bool) -> None:
    """Every side on every batch in turn; print seconds per step and ratios."""
    generator = torch.Generator().manual_seed(0)
    sides = make_sides(case, device, compiled)
    spent = dict.fromkeys(sides, 0.0)
    examples = [
        example(case, seconds, generator)
        for seconds in lengths_in_batches(rows, batches, generator)
    ]
    # A graph is recorded when its first batch comes; else one batch warms all up.
    warm = examples if device != "cpu" else [examples[len(examples) // 2]]
    none = torch.zeros(rows, dtype=torch.long)
    for side, padded in sides.values():
        for streams in warm:
            side.step(to_the_maximum(case, streams) if padded else streams, none)
    for streams in examples:
        full = to_the_maximum(case, streams)
        target = torch.randint(0, len(TASK.classes), (rows,), generator=generator)
        for label, (side, padded) in sides.items():
            spent[label] += side.step(full if padded else streams, target)
    ours = spent["ours, float32"]
    for label, seconds in spent.items():
        side, padded = sides[label]
        last = to_the_maximum(case, examples[-1]) if padded else examples[-1]
        print(
            f"{name:15} {label:18} {seconds / batches:8.4f} s/step  {seconds / ours:6.2f}x"
            f"{side.busy(last, none)}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--systems", nargs="+", default=["mcsan", "amh"], choices=list(CASES))
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--compile", action="store_true", help="ours compiled: minutes at the start"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"torch {torch.__version__}, {options.device}, {options.threads} threads, "
        f"{options.batch_size} rows a batch"
    )
    for name in options.systems:
        sizes = options.batch_size, options.batches
        compare(name, CASES[name], *sizes, options.device, options.compile)


if __name__ == "__main__":
    main()
