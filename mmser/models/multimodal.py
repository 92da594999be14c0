"""The one model: encoders -> fusion -> head.

Any published system is a `MultimodalModel` with other parts; it knows streams by name and never
sees a label.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Outputs, Stream
from mmser.core.completion import completed
from mmser.core.contracts import ListenerHead, SequenceHead
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.layers.dense.cast_once import cast_once
from mmser.models.layers.masks.derived import one_pass
from mmser.models.replay.side_by_side import side_by_side


class MultimodalModel(nn.Module):
    """One encoder per stream, one fusion, one head.

    ``forward`` ignores streams it has no encoder for; a stream it needs and does not get is an
    error (pass it with an all-False mask when the modality is absent).
    """

    def __init__(
        self, encoders: Mapping[str, nn.Module], fusion: nn.Module, head: nn.Module
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.fusion = fusion
        self.head = head
        # Asked once: a Protocol takes as long to be asked as a small layer to run.
        self._takes_sequence = isinstance(head, SequenceHead)
        self.vector_size: int = fusion.output_size  # type: ignore[assignment]

    def forward(
        self,
        streams: Mapping[str, Stream],
        context: Context,
        need_attention: bool = False,
        need_steps: bool = False,
    ) -> Outputs:
        """{stream: (batch, time, *feature)} -> logits (batch, class), values (batch, value)."""
        if torch.compiler.is_compiling():
            return self._outputs(streams, context, need_attention, need_steps)
        with one_pass(), cast_once(self):
            return self._outputs(streams, context, need_attention, need_steps)

    def _outputs(
        self,
        streams: Mapping[str, Stream],
        context: Context,
        need_attention: bool,
        need_steps: bool,
    ) -> Outputs:
        works = [
            partial(encoder, self._stream(streams, name)) for name, encoder in self.encoders.items()
        ]
        encoded: dict[str, Stream] = dict(zip(self.encoders, side_by_side(works), strict=True))
        fused = self.fusion(encoded, context, need_attention=need_attention)
        logits, values = self.head(self._head_input(fused))
        return Outputs(
            vector=fused.vector,
            logits=logits,
            values=values,
            encoded=encoded,
            losses=fused.losses,
            attention=fused.attention,
            sequence=fused.sequence,
            steps=self._steps(fused) if need_steps else None,
            listeners=self._per_listener(fused) if context.listeners is not None else None,
        )

    def _steps(self, fused: Fused) -> Outputs | None:
        """The head's answers at every step of the sequence, None without a sequence."""
        sequence = fused.sequence
        if sequence is None:
            return None
        filled = sequence.filled()
        if self._takes_sequence:
            logits, values = self.head.steps(sequence)  # type: ignore[operator]
        else:
            # A head of vectors takes (batch, step, feature) as it takes (batch, feature).
            logits, values = self.head(filled)
        return Outputs(filled, logits, values)

    def _per_listener(self, fused: Fused) -> Tensor | None:
        """Logits (batch, listener, class) of the listeners that the context names."""
        if isinstance(self.head, ListenerHead):
            return self.head.listener_logits(fused.vector)
        return None

    def _head_input(self, fused: Fused) -> Tensor | Stream:
        """The vector, or the sequence for a head that takes one."""
        if not self._takes_sequence:
            return fused.vector
        if fused.sequence is None:
            raise MmserError(
                "a fusion with a sequence for this head",
                "a vector alone",
                "Choose head=classifier.",
            )
        return fused.sequence

    @staticmethod
    def _stream(streams: Mapping[str, Stream], name: str) -> Stream:
        if name not in streams:
            raise MmserError(
                f"a stream named '{name}'",
                f"streams {', '.join(streams) or '(none)'}",
                "Give an absent modality as a stream whose mask is all False.",
            )
        return streams[name]


def build_model(
    encoders: Mapping[str, Callable[..., nn.Module]],
    fusion: Callable[..., nn.Module],
    head: Callable[..., nn.Module],
    input_sizes: Mapping[str, int],
    task: Task,
) -> MultimodalModel:
    """Complete the partial parts of a config with the dimensions of the data.

    ``input_sizes`` gives the feature dimension of each stream (1 for a waveform); only streams
    named in ``encoders`` are used, so leaving an encoder out ablates its modality.
    """
    missing = sorted(set(encoders) - set(input_sizes))
    if missing:
        raise MmserError(
            f"a feature size for each stream {', '.join(encoders)}",
            f"none for {', '.join(missing)}",
            "Name the stream's extractor under `streams`.",
        )
    built: dict[str, Any] = {}
    for name, encoder in encoders.items():
        size = input_sizes[name]
        built[name] = completed(f"the encoder of {name}", encoder, input_size=size)
    # Few fusions need facts of the training fold (who its annotators are); those say so by an
    # argument `task`.
    needs_task = "task" in inspect.signature(_class_of(fusion)).parameters
    facts = {"task": task} if needs_task else {}
    sizes = {name: encoder.output_size for name, encoder in built.items()}
    built_fusion = completed("the fusion", fusion, input_sizes=sizes, **facts)
    built_head = completed("the head", head, input_size=built_fusion.output_size, task=task)
    return MultimodalModel(built, built_fusion, built_head)


def _class_of(part: Callable[..., Any]) -> Callable[..., Any]:
    """The class of a partial part.

    The signature of a partial cannot be read when one of its arguments does not exist.
    """
    return part.func if isinstance(part, partial) else part
