"""BERT-GRU: a GRU over BERT's last layers side by side, sub-word ids -> one vector per utterance.

Source: Dutta, Ganapathy, "Multimodal transformer with learnable frontend and self attention for
emotion recognition", ICASSP 2022, with details from its authors' released code.

Differs: the GRU's two last states (200 numbers) are projected to 100, the size that the notes call
best and the released configuration names; ``output_size`` null leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.models.layers.checkpoints.pretrained import check_positions, freeze, pretrained
from mmser.models.layers.time.pooling import masked_mean
from mmser.models.layers.time.recurrent import Recurrent
from mmser.models.layers.turns.row_chunks import in_chunks


class BertGRU(nn.Module):
    """BERT -> its last ``layers`` hidden layers -> two-layer BiGRU -> both last states -> linear.

    The hidden layers stand side by side, the earliest first. ``dropout`` acts between the GRU's
    layers, ``final_dropout`` on its last states. See `pretrained` for ``weights``; ``frozen`` keeps
    BERT as it is. In evaluation mode at most ``rows_at_once`` utterances are computed together.
    """

    reads: ClassVar[StreamKind] = "tokens"

    def __init__(
        self,
        input_size: int,
        weights: str,
        revision: str | None = None,
        weights_folder: str = "weights",
        configuration: Mapping[str, Any] | None = None,
        layers: int = 4,
        hidden_size: int = 100,
        output_size: int | None = 100,
        dropout: float = 0.2,
        frozen: bool = False,
        rows_at_once: int = 64,
        final_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        from transformers import BertModel

        network: Any = pretrained(BertModel, weights, revision, weights_folder, configuration)
        # The pooler serves next-sentence prediction only.
        network.pooler = None
        if frozen:
            freeze(network)
        self.network = network
        self.layers = layers
        self.rows_at_once = rows_at_once
        self.recurrence = Recurrent(
            layers * network.config.hidden_size, hidden_size, layers=2, dropout=dropout
        )
        self.final_dropout = nn.Dropout(final_dropout)
        states = self.recurrence.output_size
        self.projection: nn.Module = (
            nn.Identity() if output_size is None else nn.Linear(states, output_size)
        )
        self.output_size = output_size or states

    def forward(self, stream: Stream) -> Stream:
        """(batch, token) long, start and end marks included -> (batch, 1, output_size)."""
        rows = len(stream.mask) if self.training else self.rows_at_once
        check_positions(self.network, stream.mask)
        ids = stream.values.flatten(1).masked_fill(~stream.mask, 0)
        vectors = in_chunks(self._encoded, ids, stream.mask, rows)
        present = stream.present[:, None]
        return Stream(masked_mean(vectors[:, None], present)[:, None], present)

    def _encoded(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(batch, token) -> (batch, output_size)."""
        # An absent utterance attends over its padding: a row without any key has no softmax.
        attended = mask | ~mask.any(dim=1, keepdim=True)
        positions = (torch.cumsum(mask, dim=1) - 1).clamp(min=0)
        output = self.network(
            ids, attention_mask=attended.long(), position_ids=positions, output_hidden_states=True
        )
        states = torch.cat(output.hidden_states[-self.layers :], dim=-1)
        return self.projection(self.final_dropout(self.recurrence(states, mask).final))
