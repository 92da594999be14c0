"""Rates by depth, frozen layers, and gradient checkpointing with the same gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers as hf
from makers.waveform_run import TINY
from torch import nn

from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.trainable import prepare_training, rates_by_depth


def network(**sizes: Any) -> Any:
    torch.manual_seed(0)
    return hf.WavLMModel(hf.WavLMConfig(**TINY | {"num_hidden_layers": 3} | sizes))


def test_rates_fall_with_depth() -> None:
    model = network()
    rates = rates_by_depth(model, model, 0.5)
    assert rates.keys() == {name for name, _ in model.named_parameters()}
    for index, share in enumerate((0.25, 0.5, 1.0)):
        inside = [
            rate for name, rate in rates.items() if name.startswith(f"encoder.layers.{index}")
        ]
        assert inside and set(inside) == {share}
    below = [rate for name, rate in rates.items() if not name.startswith("encoder.layers.")]
    assert set(below) == {0.125}
    assert rates_by_depth(model, model, 1.0) == {}
    for decay in (0.0, 1.1):
        with pytest.raises(MmserError, match="lr_decay above 0 and at most 1"):
            rates_by_depth(model, model, decay)


def test_what_comes_after_the_layers_learns_at_the_full_rate() -> None:
    stable = network(do_stable_layer_norm=True, feat_extract_norm="layer")
    assert rates_by_depth(stable, stable, 0.5)["encoder.layer_norm.weight"] == 1.0
    post = network()
    assert rates_by_depth(post, post, 0.5)["encoder.layer_norm.weight"] == 0.125
    whisper = hf.WhisperModel(
        hf.WhisperConfig(d_model=16, encoder_layers=2, encoder_attention_heads=2, vocab_size=30,
                         pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_layers=1,
                         decoder_attention_heads=2, decoder_start_token_id=0)
    ).encoder  # fmt: skip
    rates = rates_by_depth(whisper, whisper, 0.5)
    assert (rates["layer_norm.weight"], rates["conv1.weight"]) == (1.0, 0.25)


def test_adapters_learn_at_the_rate_of_their_layer() -> None:
    model = network()
    prepare_training(model, "tiny", frozen_layers=1, lora_rank=2)
    rates = rates_by_depth(model, model, 0.5)
    learning = {name for name, tensor in model.named_parameters() if tensor.requires_grad}
    assert {name.split(".")[2] for name in learning} == {"1", "2"}
    assert {rates[name] for name in learning} == {0.5, 1.0}


def test_checkpointing_keeps_less() -> None:
    """The bytes that the forward pass leaves for the backward pass."""
    kept = {}
    for checkpointing in (False, True):
        model = network(layerdrop=0.0, apply_spec_augment=False, num_hidden_layers=4).train()
        prepare_training(model, "tiny", gradient_checkpointing=checkpointing)
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, sizes=sizes: sizes.append(tensor.nbytes) or tensor,  # type: ignore[func-returns-value, misc]
            lambda tensor: tensor,
        ):
            model.encoder(torch.randn(2, 60, 16, requires_grad=True))
        kept[checkpointing] = sum(sizes)
    assert kept[True] < 0.5 * kept[False]


@pytest.mark.parametrize("rank", [None, 2])
def test_checkpointing_gives_the_same_gradients(rank: int | None) -> None:
    gradients = []
    for checkpointing in (False, True):
        model = network(layerdrop=0.0, apply_spec_augment=False).train()
        torch.manual_seed(3)
        prepare_training(model, "tiny", gradient_checkpointing=checkpointing, lora_rank=rank)
        for name, tensor in model.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(tensor, std=0.3, generator=torch.Generator().manual_seed(4))
        torch.manual_seed(5)  # the dropout is the same one
        model(torch.randn(2, 3000)).last_hidden_state.square().sum().backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
        flags = [module.gradient_checkpointing for module in model.encoder.layers]
        assert flags == [checkpointing] * 3
    assert gradients[0].keys() == gradients[1].keys() and gradients[0]
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient)


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(MmserError, match="a network with a list of layers; found Linear"):
        prepare_training(nn.Linear(1, 1), "tiny")
