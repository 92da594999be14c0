"""What the contract tests run over: every encoder, fusion and system config, each with a small
example batch.

A new config needs no edit here. What an encoder reads is told by the class attribute ``reads``:
"features" (the default: float (batch, time, feature)), "layers" (float (batch, time, layer,
feature), as many as the config's ``layers``), "waveform" (float (batch, sample)), "words"
or "tokens" (long (batch, time), 0 = padding). A stream whose steps are not vectors names them in
``feature_shape``, e.g. (3, 48, 48). A config that has a ``*_small`` twin is run through the twin;
of the large one only the parameters are counted.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import hydra
import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from makers.systems import system_settings
from mmser.core.batch import Context, Outputs, Stream, empty_context
from mmser.core.configs import config_dir, config_names, load_config
from mmser.core.contracts import NamedStreamsFusion, kind_read
from mmser.core.task import Task
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.training.solving import set_head

BATCH = 4
NAN = float("nan")
TASK = Task(
    classes=("angry", "happy", "neutral", "sad"),
    values=("valence", "arousal"),
    class_counts=(3, 4, 5, 2),
)
FEATURES = 12  # where a config leaves the size open
TINY_CLASSES = (2, 0, 3, 1)
"""What the rows of the example batch are where they have to be told apart."""
VOCABULARY = 30
FRAMES = (21, 13, 17, 9)
STEPS = {
    "features": FRAMES,
    "layers": FRAMES,
    "waveform": (4000, 2900, 3300, 2500),
    "words": (7, 3, 5, 6),
    "tokens": (7, 3, 5, 6),
}
FUSION_SIZES = {"audio": 16, "text": 8, "face": 16}


@dataclass(frozen=True)
class StreamShape:
    """How an example stream looks: what its encoder reads, its size, and the lengths
    of its rows.
    """

    reads: str
    size: int
    lengths: tuple[int, ...]
    feature_shape: tuple[int, ...] | None = None

    @property
    def garbage(self) -> float | int:
        """What padding may hold at worst; indices beyond the vocabulary for whole numbers."""
        return 10**6 if self.reads in ("words", "tokens") else NAN

    def example(self, generator: torch.Generator) -> Stream:
        """A stream of `BATCH` rows, padded with garbage."""
        time = max(self.lengths)
        if self.reads in ("words", "tokens"):
            values = torch.randint(2, self.size, (BATCH, time), generator=generator)
        elif self.reads == "waveform":
            values = torch.randn(BATCH, time, generator=generator)
        else:
            values = torch.randn(
                BATCH, time, *(self.feature_shape or (self.size,)), generator=generator
            )
        mask = torch.arange(time) < torch.tensor(self.lengths)[:, None]
        return garbled(Stream(values, mask), self.garbage)


@dataclass(frozen=True)
class Subject:
    """One config under contract: how to build it, what to feed it, and how to read its answer."""

    name: str
    shapes: dict[str, StreamShape]
    build: Callable[[tuple[str, ...]], nn.Module]
    is_encoder: bool = False
    finish: Callable[[Any], None] | None = None

    def made(self, names: tuple[str, ...] | None = None) -> nn.Module:
        """A freshly built module, always from the same seed, in eval mode."""
        torch.manual_seed(0)
        module = self.build(names or tuple(self.shapes)).eval()
        if self.finish:
            self.finish(module)
        return module

    def streams(self) -> dict[str, Stream]:
        """The example batch: rows of different lengths, padding filled with garbage."""
        generator = torch.Generator().manual_seed(1)
        return {name: shape.example(generator) for name, shape in self.shapes.items()}

    def run(
        self, module: nn.Module, streams: Mapping[str, Stream], context: Context | None = None
    ) -> dict[str, Tensor]:
        """Everything the module answers, by name; what stands in padded steps is no answer and
        reads zero.

        Without a context every row is a conversation of its own.
        """
        if self.is_encoder:
            stream = module(next(iter(streams.values())))
            return {"values": stream.filled(), "mask": stream.mask}
        rows = len(next(iter(streams.values())).mask)
        out = module(streams, context or empty_context(rows))
        answer = {
            "vector": out.vector,
            **{f"loss {name}": loss for name, loss in out.losses.items()},
        }
        if isinstance(out, Outputs):
            answer |= {
                key: value
                for key in ("logits", "values")
                if (value := getattr(out, key)) is not None
            }
        if out.sequence is not None:
            answer |= {"sequence": out.sequence.filled(), "mask": out.sequence.mask}
        return answer


def two_conversations() -> Context:
    """The example batch as one utterance by itself and three turns of two speakers, the last of
    whom speaks twice.
    """
    return Context(
        torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 2]), torch.tensor([0, 0, 1, 1])
    )


def garbled(stream: Stream, garbage: float | int, extra: int = 0) -> Stream:
    """The same stream with garbage in its padding, and ``extra`` more padded steps of it."""
    values = stream.filled(garbage)
    more = torch.full((len(values), extra, *values.shape[2:]), garbage, dtype=values.dtype)
    return Stream(
        torch.cat([values, more], dim=1), torch.nn.functional.pad(stream.mask, (0, extra))
    )


def absent(stream: Stream, row: int, garbage: float | int) -> Stream:
    """The same stream, missing in one row."""
    mask = stream.mask.clone()
    mask[row] = False
    return garbled(Stream(stream.values, mask), garbage)


def rows(streams: Mapping[str, Stream], index: Tensor) -> dict[str, Stream]:
    """The rows named, in that order, as one batch."""
    return {
        name: Stream(stream.values[index], stream.mask[index]) for name, stream in streams.items()
    }


def unpadded(stream: Stream, row: int) -> Stream:
    """One row by itself, without its padding."""
    length = int(stream.lengths[row])
    return Stream(stream.values[row : row + 1, :length], stream.mask[row : row + 1, :length])


def run_names(group: str) -> list[str]:
    """Configs of a group that are run in full: all but those with a ``_small`` twin."""
    names = config_names(group)
    return [name for name in names if f"{name}_small" not in names]


def part(group: str, name: str) -> Any:
    """The partial that one config of a room describes."""
    paths = OmegaConf.load(config_dir() / "paths" / "default.yaml")
    config = OmegaConf.create({"paths": paths, "part": load_config(group, name)})
    return hydra.utils.instantiate(config.part, _convert_="all")


def shape_of(encoder: Any, size: int | None, lengths: tuple[int, ...] | None = None) -> StreamShape:
    """The example stream that an encoder partial reads."""
    made = encoder.func
    reads = kind_read(made)
    default = {"features": FEATURES, "layers": FEATURES, "waveform": 1}.get(reads, VOCABULARY)
    shape = getattr(made, "feature_shape", None)
    if reads == "layers":
        shape = (encoder.keywords["layers"], size or default)
    return StreamShape(reads, size or default, lengths or STEPS[reads], shape)


@functools.cache
def system_config(name: str) -> DictConfig:
    """A system composed as ``mmser train system=<name>`` would."""
    return OmegaConf.create(system_settings(name))


@functools.cache
def system_parts(name: str) -> dict[str, Any]:
    """The system's partial encoders, fusion and head."""
    return hydra.utils.instantiate(system_config(name).model, _convert_="all")


def without_weights(model: DictConfig) -> DictConfig:
    """The same parts, from random weights wherever pretrained ones are named: enough to count
    parameters.
    """
    plain = model.copy()
    for encoder in plain.encoders.values():
        if encoder.get("weights"):
            encoder.weights = "random"
    return plain


def system_shapes(name: str) -> dict[str, StreamShape]:
    """One example stream per encoder; aligned systems get streams that share their steps."""
    config = system_config(name)
    aligned = FRAMES if config.data.alignment != "native" else None
    parts = system_parts(name)
    return {
        stream: shape_of(encoder, config.streams[stream].get("size"), aligned)
        for stream, encoder in parts["encoders"].items()
    }


def build_system(name: str, streams: tuple[str, ...]) -> nn.Module:
    """The system with only these streams."""
    parts, sizes = (
        system_parts(name),
        {stream: shape.size for stream, shape in system_shapes(name).items()},
    )
    encoders = {stream: parts["encoders"][stream] for stream in streams}
    return build_model(encoders, parts["fusion"], parts["head"], sizes, TASK)


def solve_head(name: str, model: MultimodalModel) -> None:
    """Give a system's model the head that its solver finds: some heads hold nothing before.

    It is found from rows around those of the example batch, of the classes in `TINY_CLASSES`.
    """
    solver = system_config(name).get("solver")
    if not solver:
        return
    streams = {stream: subject(f"system:{name}").streams()[stream] for stream in model.encoders}
    with torch.no_grad():
        centres = model(streams, empty_context(BATCH)).vector.repeat_interleave(20, dim=0)
    noise = torch.randn(centres.shape, generator=torch.Generator().manual_seed(2))
    vectors = (centres + 0.1 * noise).double().numpy()
    labels = np.repeat(TINY_CLASSES, 20)
    found = hydra.utils.instantiate(solver, _convert_="all")(
        vectors, labels, np.arange(len(labels)) % 5, len(TASK.classes)
    )
    set_head(model.head, found)


def published_system(name: str) -> nn.Module:
    """The whole system for the label space its card counts parameters for, without memory or
    pretrained weights.
    """
    parts = hydra.utils.instantiate(without_weights(system_config(name).model), _convert_="all")
    sizes = {stream: shape.size for stream, shape in system_shapes(name).items()}
    with torch.device("meta"):
        return build_model(
            parts["encoders"], parts["fusion"], parts["head"], sizes, published_task(name)
        )


def published_task(name: str) -> Task:
    """The label space that a system's published parameter count is for: that of its card's
    protocol.
    """
    protocol = system_config(name).card.protocol
    found = load_config("protocol", protocol) if protocol in config_names("protocol") else {}
    if found.get("classes") or found.get("values"):
        return Task(
            classes=tuple(found.get("classes") or ()), values=tuple(found.get("values") or ())
        )
    digits = re.match(r"[a-z_]*(\d+)", protocol)
    return Task(classes=tuple(f"class {i}" for i in range(int(digits[1])))) if digits else TASK


def _encoder(name: str) -> Subject:
    make = part("encoder", name)
    shape = shape_of(make, None)
    return Subject(
        f"encoder:{name}", {"stream": shape}, lambda _: make(input_size=shape.size), is_encoder=True
    )


def _fusion(name: str) -> Subject:
    make = part("fusion", name)
    known = (
        make.func.stream_names if isinstance(make.func, NamedStreamsFusion) else tuple(FUSION_SIZES)
    )
    sizes = {stream: FUSION_SIZES.get(stream, FEATURES) for stream in known}
    shapes = {stream: StreamShape("features", size, FRAMES) for stream, size in sizes.items()}
    return Subject(
        f"fusion:{name}", shapes, lambda names: make(input_sizes={n: sizes[n] for n in names})
    )


def _system(name: str) -> Subject:
    return Subject(
        f"system:{name}",
        system_shapes(name),
        lambda names: build_system(name, names),
        finish=lambda model: solve_head(name, model),
    )


@functools.cache
def subject(full_name: str) -> Subject:
    """The subject ``group:name``."""
    group, name = full_name.split(":")
    return {"encoder": _encoder, "fusion": _fusion, "system": _system}[group](name)


def subject_names(*groups: str) -> list[str]:
    """``group:name`` of every config that is run in full."""
    return [f"{group}:{name}" for group in groups for name in run_names(group)]
