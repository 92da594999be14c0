"""Tiny checkpoints of speech encoders, one for each model_type, saved by their own class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf

SIZE, LAYERS = 32, 3
_BODY = {
    "hidden_size": SIZE, "num_hidden_layers": LAYERS, "num_attention_heads": 2,
    "intermediate_size": 48,
}  # fmt: skip
_SMALL: dict[str, Any] = {
    **_BODY, "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}  # fmt: skip
_LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
_SEW = _SMALL | {"conv_dim": (16,) * 13}

FAMILIES: dict[str, Callable[[], Any]] = {
    "wav2vec2": lambda: hf.Wav2Vec2Model(hf.Wav2Vec2Config(**_SMALL)),
    "wav2vec2 with layer norm": lambda: hf.Wav2Vec2Model(
        hf.Wav2Vec2Config(**_SMALL, **_LAYER_NORM)
    ),
    "mms": lambda: hf.Wav2Vec2ForCTC(
        hf.Wav2Vec2Config(**_SMALL, **_LAYER_NORM, adapter_attn_dim=8, vocab_size=12)
    ),
    "hubert": lambda: hf.HubertModel(hf.HubertConfig(**_SMALL)),
    "hubert with batch norm": lambda: hf.HubertModel(
        hf.HubertConfig(**_SMALL, conv_pos_batch_norm=True)
    ),
    "wavlm": lambda: hf.WavLMModel(hf.WavLMConfig(**_SMALL)),
    "wavlm with layer norm": lambda: hf.WavLMModel(hf.WavLMConfig(**_SMALL, **_LAYER_NORM)),
    "data2vec-audio": lambda: hf.Data2VecAudioModel(
        hf.Data2VecAudioConfig(**_SMALL | {"num_conv_pos_embeddings": 5})
    ),
    "unispeech": lambda: hf.UniSpeechModel(hf.UniSpeechConfig(**_SMALL)),
    "unispeech-sat": lambda: hf.UniSpeechSatModel(hf.UniSpeechSatConfig(**_SMALL)),
    "wav2vec2-conformer": lambda: hf.Wav2Vec2ConformerModel(hf.Wav2Vec2ConformerConfig(**_SMALL)),
    "sew": lambda: hf.SEWModel(hf.SEWConfig(**_SEW)),
    "sew-d": lambda: hf.SEWDModel(hf.SEWDConfig(**_SEW)),
    "wav2vec2-bert": lambda: hf.Wav2Vec2BertModel(
        hf.Wav2Vec2BertConfig(**_BODY, feature_projection_input_dim=160)
    ),
}
"""{family: a network of it with 32 features and three layers}."""


def save_speech_checkpoint(family: str, folder: Path, do_normalize: bool = True) -> Any:
    """A checkpoint of that family with its feature extractor; returns its network, in eval mode."""
    torch.manual_seed(0)
    network = FAMILIES[family]().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):  # as if it had seen some sound
            torch.nn.init.uniform_(module.running_mean, 0.5, 1.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    network.save_pretrained(folder)
    if family == "wav2vec2-bert":
        hf.SeamlessM4TFeatureExtractor().save_pretrained(folder)
    else:
        hf.Wav2Vec2FeatureExtractor(do_normalize=do_normalize).save_pretrained(folder)
    return network
