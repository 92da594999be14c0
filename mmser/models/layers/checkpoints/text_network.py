"""Any text encoder of transformers (BERT, RoBERTa, DeBERTa, MPNet, ...), by `AutoModel`.

Positions count real steps: a row's sub-words stand together before the network sees them, so that
neither padding nor companions move them, whichever way a network tells positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.pretrained import (
    check_positions,
    pretrained_kind,
    read_network,
)
from mmser.models.layers.masks.order import compact_order, rows_at
from mmser.models.layers.masks.padding import zero_padding

_REMEDY = (
    "Name a checkpoint of a text encoder, such as BERT or RoBERTa; the extractor wav2vec2 reads "
    "speech."
)


def text_network(
    model_type: str,
    weights: str,
    revision: str | None = None,
    weights_folder: str = "weights",
    configuration: Mapping[str, Any] | None = None,
) -> Any:
    """The text encoder of a checkpoint of ``model_type``, without its pooler, to train it further.

    See `Weights` for the others; random ones take ``configuration`` over the default sizes. Raises
    MmserError when they cannot be had, are of another kind, or are no text encoder's.
    """
    network = _checked(
        pretrained_kind(model_type, weights, revision, weights_folder, configuration), weights
    )
    # It serves the tasks of pre-training only.
    if hasattr(network, "pooler"):
        network.pooler = None
    return network


def read_text_network(folder: Path) -> Any:
    """The encoder of the checkpoint in ``folder``.

    Raises MmserError for a network of speech or pictures, or one with a decoder.
    """
    from transformers import AutoModel

    return _checked(read_network(AutoModel, folder, (), _REMEDY), str(folder))


def _checked(network: Any, source: str) -> Any:
    config = network.config
    if network.main_input_name != "input_ids" or config.is_encoder_decoder:
        raise MmserError(f"a text encoder in {source}", f"model_type {config.model_type}", _REMEDY)
    return network


def states_of(network: Any, ids: Tensor, mask: Tensor, segments: Tensor | None = None) -> Tensor:
    """Sub-word ids (batch, token) -> the last layer's states (batch, token, feature).

    What stands where ``mask`` (batch, token) is False changes nothing and comes back as zero.
    ``segments`` (batch, token) long number the part of the text each belongs to.
    """
    check_positions(network, mask)
    order, inverse = compact_order(mask)
    real = rows_at(mask, order)
    padding = padding_of(network)
    compact = rows_at(ids, order).masked_fill(~real, padding)
    # An absent utterance attends over its padding: a row without any key has no softmax.
    attended = real | ~real.any(dim=1, keepdim=True)
    parts: dict[str, Tensor] = {}
    if segments is not None:
        parts["token_type_ids"] = rows_at(segments, order).masked_fill(~real, 0)
    states = network(compact, attention_mask=attended.long(), **parts).last_hidden_state
    return zero_padding(rows_at(states, inverse), mask)


def padding_of(network: Any) -> int:
    """The number that stands for padding: networks that count positions by it must be given it."""
    # Networks of transformers name what they have.
    embeddings = getattr(network, "embeddings", None)
    own = getattr(embeddings, "padding_idx", None)
    stated = getattr(network.config, "pad_token_id", None)
    return int(next((number for number in (own, stated) if number is not None), 0))
