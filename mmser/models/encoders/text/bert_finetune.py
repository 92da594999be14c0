"""BERT (or a relative with the same interface), fine-tuned from sub-word ids.

Source: Devlin, Chang, Lee, Toutanova, "BERT", NAACL 2019; the network is transformers' own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.models.layers.checkpoints.pretrained import (
    check_layers,
    check_positions,
    freeze,
    pretrained,
)
from mmser.models.layers.masks.padding import zero_padding


class BertFinetune(nn.Module):
    """Sub-word ids -> embeddings -> transformer -> the states of its last layer.

    There is one state per sub-word. ``frozen_layers`` transformer layers from the bottom stay
    fixed, with the embeddings if ``freeze_embeddings``. See `pretrained` for ``weights``. Positions
    count real steps, so padding anywhere changes nothing.
    """

    reads: ClassVar[StreamKind] = "tokens"

    def __init__(
        self,
        input_size: int,
        weights: str,
        revision: str | None = None,
        weights_folder: str = "weights",
        configuration: Mapping[str, Any] | None = None,
        freeze_embeddings: bool = False,
        frozen_layers: int = 0,
    ) -> None:
        super().__init__()
        from transformers import BertModel

        network: Any = pretrained(BertModel, weights, revision, weights_folder, configuration)
        check_layers(frozen_layers, len(network.encoder.layer), weights)
        self.output_size: int = network.config.hidden_size
        # The pooler serves next-sentence prediction only.
        network.pooler = None
        self.network = network
        if freeze_embeddings:
            freeze(network.embeddings)
        for layer in network.encoder.layer[:frozen_layers]:
            freeze(layer)

    def forward(self, stream: Stream) -> Stream:
        """(batch, token) long -> (batch, token, output_size), same mask.

        There may be no more tokens than BERT has positions.
        """
        check_positions(self.network, stream.mask)
        ids = stream.values.flatten(1).masked_fill(~stream.mask, 0)
        # An absent utterance attends over its padding: a row without any key has no softmax.
        attended = stream.mask | ~stream.mask.any(dim=1, keepdim=True)
        positions = (torch.cumsum(stream.mask, dim=1) - 1).clamp(min=0)
        hidden = self.network(
            ids, attention_mask=attended.long(), position_ids=positions
        ).last_hidden_state
        return Stream(zero_padding(hidden, stream.mask), stream.mask)
