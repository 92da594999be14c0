"""Transformer encoders of text, from any checkpoint that `AutoModel` reads, or random ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmser.extractors.networks.devices import Precision
from mmser.extractors.networks.sizes import check_size


def read_text_encoder(folder: Path, size: int) -> Any:
    """The encoder of the checkpoint in ``folder``, of ``size`` features.

    Raises MmserError for a network of speech or pictures, one with a decoder, or another size.
    """
    from mmser.models.layers.checkpoints.text_network import read_text_network

    model = read_text_network(folder)
    check_size(size, model.config.hidden_size, folder)
    return model


def new_text_encoder(vocabulary: int, size: int, layers: int) -> Any:
    """A BERT of that many layers with random weights."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=size,
        num_hidden_layers=layers,
        num_attention_heads=max(1, size // 64),
        intermediate_size=2 * size,
    )
    return BertModel(config, add_pooling_layer=False)


def last_layers(
    model: Any,
    texts: Sequence[Sequence[int]],
    padding: int,
    layers: int = 1,
    precision: Precision = "float32",
) -> list[np.ndarray]:
    """Sub-word ids of texts of any lengths -> one (sub-word, size * layers) float32 array each.

    The last ``layers`` stand side by side, the earliest first. Padding is masked.
    """
    import torch

    from mmser.extractors.networks.devices import arithmetic, place_of
    from mmser.extractors.networks.transfers import packed, sent
    from mmser.models.layers.masks.padding import length_mask

    device, _ = place_of(model)
    counts = [len(ids) for ids in texts]
    padded = torch.full((len(texts), max(counts)), padding)
    for row, ids in enumerate(texts):
        padded[row, : len(ids)] = torch.tensor(ids)
    mask = length_mask(torch.tensor(counts), max(counts)).long()
    with torch.inference_mode(), arithmetic(precision):
        output = model(
            sent(padded, device), attention_mask=sent(mask, device), output_hidden_states=True
        )
        states = packed(torch.cat(output.hidden_states[-layers:], dim=-1), counts)
        # One copy of what is real; the texts part it again.
        values = states.float().cpu().numpy()
    return np.split(values, np.cumsum(counts)[:-1])
