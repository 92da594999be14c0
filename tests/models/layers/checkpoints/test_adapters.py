"""Low-rank adapters: what learns, merged equals unmerged, targets, a missing package."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
import transformers as hf
from makers.waveform_run import TINY
from torch import nn

from mmser.core.errors import MmserError
from mmser.models.layers.attention.gated_positions import with_fused_attention
from mmser.models.layers.checkpoints.adapters import (
    TARGETS,
    add_adapters,
    names_of_plain,
    plain_state,
)

TEXT = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 30,
}
SIZES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat"), TINY),
    "data2vec-audio": TINY | {"conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 2},
    "wav2vec2-bert": TEXT | {"feature_projection_input_dim": 160},
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "deberta-v2", "mpnet"), TEXT),
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "vocab_size": 30},
    "modernbert": TEXT | dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0),
    "whisper": {
        "d_model": 16,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "decoder_layers": 1,
        "decoder_attention_heads": 2,
        "vocab_size": 30,
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0),
        "decoder_start_token_id": 0,
    },
}
SPEECH = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio")


def network(kind: str) -> Any:
    torch.manual_seed(0)
    model = hf.AutoModel.from_config(hf.AutoConfig.for_model(kind, **SIZES[kind])).eval()
    return model.encoder if kind == "whisper" else with_fused_attention(model)


def answer(kind: str, model: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    if kind in SPEECH:
        given = torch.randn(2, 3000, generator=generator)
    elif kind == "wav2vec2-bert":
        given = torch.randn(2, 9, 160, generator=generator)
    elif kind == "whisper":
        given = torch.randn(1, 80, 3000, generator=generator)
    else:
        given = torch.randint(2, 30, (2, 6), generator=generator)
    with torch.no_grad():
        return model(given).last_hidden_state


@pytest.mark.parametrize("kind", TARGETS)
def test_merged_equals_unmerged_under_the_networks_own_names(kind: str) -> None:
    model, plain = network(kind), network(kind)
    before = answer(kind, model)
    add_adapters(model, rank=3, alpha=6, dropout=0.1, targets=None)
    model.eval()
    torch.testing.assert_close(answer(kind, model), before)  # B starts at zero
    learning = {name for name, tensor in model.named_parameters() if tensor.requires_grad}
    assert learning and all(".lora_" in name for name in learning)
    for name, tensor in model.named_parameters():
        if name in learning:
            nn.init.normal_(tensor, std=0.3)
    adapted = answer(kind, model)
    assert (adapted - before).abs().max() > 1e-2
    state = plain_state(model)
    assert list(names_of_plain(model)) == list(state)
    plain.load_state_dict(state)
    torch.testing.assert_close(answer(kind, plain), adapted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", TARGETS)
def test_every_adapter_gets_a_gradient(kind: str) -> None:
    model = network(kind)
    # As the fine-tuned encoder has it; transformers' own WavLM reads past an adapter here.
    targets = ["q_proj", "k_proj", "v_proj", "out_proj"] if kind == "wavlm" else None
    add_adapters(model, rank=2, alpha=4, dropout=0.0, targets=targets)
    learning = {n: p for n, p in model.named_parameters() if p.requires_grad}
    for tensor in learning.values():
        nn.init.normal_(tensor, std=0.3)
    with torch.enable_grad():
        if kind in SPEECH:
            values = model(torch.randn(2, 3000)).last_hidden_state
        elif kind == "wav2vec2-bert":
            values = model(torch.randn(2, 9, 160)).last_hidden_state
        elif kind == "whisper":
            values = model(torch.randn(1, 80, 3000)).last_hidden_state
        else:
            values = model(torch.randint(2, 30, (2, 6))).last_hidden_state
        (values * torch.randn_like(values)).sum().backward()
    still = [n for n, p in learning.items() if p.grad is None or p.grad.abs().max() == 0]
    assert not still


def test_without_adapters_a_state_is_its_own() -> None:
    model = network("wav2vec2")
    assert list(plain_state(model)) == list(model.state_dict())
    assert names_of_plain(model) == {name: name for name in model.state_dict()}


def test_targets_that_are_not_there_are_refused() -> None:
    with pytest.raises(MmserError, match=r"lora_targets; found query\. .*there are .*q_proj"):
        add_adapters(network("wav2vec2"), 2, 4, 0.0, ["query", "v_proj"])


def test_a_missing_package_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MmserError, match=r"the package peft.*pip install 'mmser\[lora\]'"):
        add_adapters(network("hubert"), 2, 4, 0.0, None)
