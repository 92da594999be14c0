"""WavLM's attention in one call against transformers' own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from transformers import WavLMConfig, WavLMModel

from mmser.models.layers.attention import gated_positions
from mmser.models.layers.attention.gated_positions import (
    GatedPositionAttention,
    with_fused_attention,
)

SMALL: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48,
    "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
    "num_buckets": 16, "max_bucket_distance": 20,
    **dict.fromkeys(("hidden_dropout", "attention_dropout", "activation_dropout"), 0.0),
}  # fmt: skip
SAMPLES = (20_000, 9000, 400)


def network(stable: bool) -> WavLMModel:
    """With biases that matter, and distances of every bucket."""
    torch.manual_seed(0)
    norm = "layer" if stable else "group"
    config = WavLMConfig(**SMALL, do_stable_layer_norm=stable, feat_extract_norm=norm)
    model = WavLMModel(config).eval()
    for layer in model.encoder.layers:
        torch.nn.init.normal_(layer.attention.gru_rel_pos_const)
    torch.nn.init.normal_(model.encoder.layers[0].attention.rel_attn_embed.weight)
    return model


def hidden(model: WavLMModel) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch, frame, size) with padding behind the shorter rows, and its mask."""
    frames = torch.tensor(SAMPLES) // 320
    mask = torch.arange(int(frames.max())) < frames[:, None]
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*mask.shape, 32, generator=generator), mask


def run(model: WavLMModel) -> torch.Tensor:
    values, mask = hidden(model)
    out = model.encoder(values, attention_mask=mask).last_hidden_state
    return out[mask]


@pytest.mark.parametrize("stable", [False, True])
def test_the_same_frames_and_gradients(stable: bool) -> None:
    own = network(stable)
    fused = with_fused_attention(copy.deepcopy(own))
    assert isinstance(fused.encoder.layers[1].attention, GatedPositionAttention)
    assert list(fused.state_dict()) == list(own.state_dict())
    expected, found = run(own), run(fused)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for values in (expected, found):
        values.square().sum().backward()
    gradients = dict(fused.named_parameters())
    for name, parameter in own.named_parameters():
        if parameter.grad is not None:
            other = gradients[name].grad
            torch.testing.assert_close(other, parameter.grad, atol=1e-3, rtol=1e-3, msg=name)


@pytest.mark.parametrize("stable", [False, True])
def test_long_sound_in_turns_is_the_same(stable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    fused = with_fused_attention(network(stable))
    expected = run(fused)
    monkeypatch.setattr(gated_positions, "MOST_WEIGHTS", 7 * 3 * 2 * 62)  # 7 queries of 62
    torch.testing.assert_close(run(fused), expected, atol=1e-6, rtol=1e-5)


def test_a_network_in_evaluation_stays_in_evaluation() -> None:
    model = network(stable=False)
    model.encoder.layers[0].attention.dropout = 0.5
    fused = with_fused_attention(model)
    assert not any(module.training for module in fused.modules())
    torch.testing.assert_close(run(fused), run(fused))
