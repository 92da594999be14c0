"""Published emotion recognisers of text: any classifier of transformers over one text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from mmser.core.errors import MmserError
from mmser.extractors.networks.devices import place_of
from mmser.extractors.networks.emotion_labels import checkpoint_facts, weights_file
from mmser.models.layers.checkpoints.pretrained import positions_of, read_network
from mmser.models.layers.checkpoints.tensors import read_tensors

_REMEDY = "Download it again, or name another checkpoint (docs/judges.md)."


def read_text_classifier(folder: Path) -> Any:
    """The classifier in ``folder``. Raises MmserError where it is none of text, or not whole."""
    from transformers import AutoModelForSequenceClassification

    facts = checkpoint_facts(folder)
    if facts.kind != "text":
        raise MmserError(
            f"an emotion recogniser of text in {folder}",
            f"one of {facts.modality} ({facts.kind})",
            "Judge it with model=..., or take an extractor of that modality.",
        )
    model = read_network(AutoModelForSequenceClassification, folder, (), _REMEDY)
    # Encoders alone may lack a pooler, which nothing else reads: a classifier reads it.
    poolers = {name for name in model.state_dict() if ".pooler." in name}
    lacking = sorted(poolers - _names(folder)) if poolers else []
    if lacking:
        raise MmserError(f"the tensors of {type(model).__name__} in {folder}", f"no {lacking[0]}",
                         _REMEDY)  # fmt: skip
    return model


def new_text_classifier(vocabulary: int, labels: int) -> Any:
    """A BERT of two layers with random weights."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
    )
    config.num_labels = labels
    return BertForSequenceClassification(config)


def most_positions(model: Any) -> int | None:
    """Most sub-words that the encoder has positions for; None: any number."""
    return positions_of(model.base_model)


def text_answers(model: Any, ids: list[int]) -> np.ndarray:
    """Sub-word ids of one text -> logits (label,) float32."""
    device, _ = place_of(model)
    with torch.inference_mode():
        row = torch.tensor([ids], device=device)
        output = model(row, attention_mask=torch.ones_like(row))
    answers: np.ndarray = output.logits[0].float().cpu().numpy()
    return answers


def _names(folder: Path) -> set[str]:
    """The names of the tensors in a folder."""
    file = weights_file(folder)
    if file.suffix != ".safetensors":
        return set(read_tensors(file))
    with safe_open(file, framework="pt") as tensors:
        return set(tensors.keys())
