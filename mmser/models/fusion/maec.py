"""MAEC: the current turn, gated by what the previous turns of both speakers have in common.

Source: "Multi-instance learning with an adversarial auto-encoder classifier for speech emotion
recognition", ICASSP 2021.

Differs:
    The softmax over 512 features makes the gate about 1/512, so that half of the vector is tiny:
    ``gate_scale`` may raise it (1: as in the paper).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmser.core.batch import Context, Fused, Stream
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.turns.previous_turn import previous_turn, vectors_of


class MAEC(nn.Module):
    """``[HF_cur * PI ; HF_cur]`` with ``PI = softmax(HF_pre * HF_int)`` for each stream.

    The streams stand side by side. Turns before the current one are found among the batch's rows
    (data.batching=dialogue); a missing one is zeros, which makes the gate uniform. An absent stream
    contributes zeros.
    """

    def __init__(self, input_sizes: Mapping[str, int], gate_scale: float = 1.0) -> None:
        super().__init__()
        self.names = tuple(input_sizes)
        self.gate_scale = gate_scale
        self.output_size = 2 * sum(input_sizes.values())

    def forward(
        self, streams: Mapping[str, Stream], context: Context, need_attention: bool = False
    ) -> Fused:
        """streams (batch, time, feature) -> vector (batch, 2 x features)."""
        previous = previous_turn(context, same_speaker=True)
        interlocutor = previous_turn(context, same_speaker=False)
        vectors = []
        for name in self.names:
            current = masked_mean(streams[name].values, streams[name].mask)
            gate = self.gate(vectors_of(previous, current), vectors_of(interlocutor, current))
            vectors += [current * gate, current]
        return Fused(torch.cat(vectors, dim=1))

    def gate(self, previous: Tensor, interlocutor: Tensor) -> Tensor:
        """Both (batch, feature) -> (batch, feature), the sum over features is ``gate_scale``."""
        return self.gate_scale * torch.softmax(previous * interlocutor, dim=1)
