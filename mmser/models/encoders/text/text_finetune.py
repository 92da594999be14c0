"""A pretrained text encoder of any kind, fine-tuned from sub-word ids.

Sources: Devlin et al., NAACL 2019 (BERT); Liu et al., 2019 (RoBERTa); He et al., ICLR 2023
(DeBERTa-v3); Warner et al., 2024 (ModernBERT); Conneau et al., ACL 2020 (XLM-R); Song et al.,
NeurIPS 2020 (MPNet). The target within its dialogue: Kim and Vossen, 2021 (EmoBERTa).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.contracts import StreamKind
from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.pretrained import freeze
from mmser.models.layers.checkpoints.text_network import states_of, text_network
from mmser.models.layers.checkpoints.trainable import prepare_training, rates_by_depth
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.time.pooling import masked_mean

Pooling = Literal["none", "first", "mean", "target"]


class TextFinetune(nn.Module):
    """Sub-word ids -> a transformers text encoder -> its last layer, pooled.

    ``model_type`` is the kind of network that the checkpoint ``weights`` must hold (see
    `text_network`). ``pooling``: ``none`` keeps a state
    per sub-word; ``first`` is the start mark's; ``mean`` that of all sub-words; ``target`` the mean
    of those that the extractor marked as the utterance's own (of all, where it marked none).
    ``segments`` tells the network which are the utterance's own, by the second of its segments.
    ``freeze_embeddings`` fixes what lies below the layers; ``frozen_layers``,
    ``gradient_checkpointing`` and ``lora_...``: see `prepare_training`; ``lr_decay``: see
    `rates_by_depth`.
    """

    reads: ClassVar[StreamKind] = "tokens"

    def __init__(
        self,
        input_size: int,
        weights: str,
        model_type: str = "bert",
        revision: str | None = None,
        weights_folder: str = "weights",
        configuration: Mapping[str, Any] | None = None,
        pooling: Pooling = "none",
        segments: bool = False,
        freeze_embeddings: bool = False,
        frozen_layers: int = 0,
        lr_decay: float = 1.0,
        gradient_checkpointing: bool = False,
        lora_rank: int | None = None,
        lora_alpha: int = 16,
        lora_dropout: float = 0.0,
        lora_targets: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        network = text_network(model_type, weights, revision, weights_folder, configuration)
        self.output_size: int = network.config.hidden_size
        self.network = network
        self.pooling = pooling
        self.segments = segments
        if segments and getattr(network.config, "type_vocab_size", 0) < 2:
            raise MmserError(
                "a network with two segments",
                f"{model_type}, which has none",
                "Set segments=false; pooling=target tells the utterance too.",
            )
        if freeze_embeddings:
            freeze(network.embeddings)
        prepare_training(
            network,
            weights,
            frozen_layers,
            gradient_checkpointing,
            lora_rank,
            lora_alpha,
            lora_dropout,
            lora_targets,
        )
        self.lr_decay = lr_decay

    def learning_rates(self) -> Mapping[str, float]:
        """Shares of the learning rate, falling with depth."""
        return rates_by_depth(self, self.network, self.lr_decay)

    def forward(self, stream: Stream) -> Stream:
        """(batch, token) long, or (batch, token, 2) with marks -> (batch, token or 1, output_size).

        There may be no more sub-words than the network has positions.
        """
        ids, own = _parts(stream)
        states = states_of(self.network, ids, stream.mask, own.long() if self.segments else None)
        if self.pooling == "none":
            return Stream(states, stream.mask)
        present = stream.present[:, None]
        return Stream(self._pooled(states, stream.mask, own)[:, None], present)

    def _pooled(self, states: Tensor, mask: Tensor, own: Tensor) -> Tensor:
        """(batch, token, feature) -> (batch, feature)."""
        if self.pooling == "first":
            order, _ = compact_order(mask)
            return rows_at(states, order[:, :1])[:, 0]
        if self.pooling == "mean":
            return masked_mean(states, mask)
        # A row of which no step is marked is its own whole.
        marked = own | (mask & ~own.any(dim=1, keepdim=True))
        return masked_mean(states, marked)


def _parts(stream: Stream) -> tuple[Tensor, Tensor]:
    """ids (batch, token) and which of them are the utterance's own (batch, token) bool."""
    values = stream.values
    if values.dim() == 2:
        return values, stream.mask
    if values.shape[2] == 1:
        return values[..., 0], stream.mask
    return values[..., 0], (values[..., 1] > 0) & stream.mask
