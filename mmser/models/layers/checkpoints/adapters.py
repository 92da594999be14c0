"""Low-rank adapters in a pretrained network (LoRA), through the library peft.

Source: Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022: a frozen linear
layer W gets a learnt B A of low rank beside it. Which layers get one where none are named:
queries and values (section 4.2 of the paper); the feed-forward layers of WavLM (Feng and Narayanan,
"PEFT-SER", ACII 2023).

Adapters live in training alone: what is saved to be opened again is W + B A under W's own name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmser.core.errors import MmserError

ARGUMENTS = ("lora_rank", "lora_alpha", "lora_dropout", "lora_targets")
"""Arguments of encoders that a trained model does without."""
_QUERY_VALUE = ("q_proj", "v_proj")
TARGETS = {
    "wav2vec2": _QUERY_VALUE,
    "hubert": _QUERY_VALUE,
    "data2vec-audio": _QUERY_VALUE,
    "unispeech": _QUERY_VALUE,
    "unispeech-sat": _QUERY_VALUE,
    "wavlm": ("intermediate_dense", "output_dense"),
    "wav2vec2-bert": ("linear_q", "linear_v"),
    "whisper": _QUERY_VALUE,
    "bert": ("query", "value"),
    "roberta": ("query", "value"),
    "xlm-roberta": ("query", "value"),
    "deberta-v2": ("query_proj", "value_proj"),
    "mpnet": ("attn.q", "attn.v"),
    "distilbert": ("q_lin", "v_lin"),
    "modernbert": ("Wqkv",),
}
"""The layers that get adapters, by the ``model_type`` of the network."""


def add_adapters(
    network: Any, rank: int, alpha: int, dropout: float, targets: Sequence[str] | None
) -> None:
    """Freeze ``network`` and give the linear layers named ``targets`` adapters of ``rank``.

    Their output is scaled by ``alpha / rank``. None as ``targets``: those of `TARGETS`. Raises
    MmserError without peft, for an alpha below 1, and for targets that the network does not
    have.
    """
    if alpha < 1:
        raise MmserError("lora_alpha of 1 or more", f"{alpha}", "Correct lora_alpha.")
    kind = str(network.config.model_type)
    chosen = tuple(TARGETS.get(kind, ()) if targets is None else targets)
    _check_targets(network, kind, chosen)
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        remedy = "Run: pip install 'mmser[lora]', or set lora_rank=null."
        raise MmserError("the package peft, for lora_rank", "none", remedy) from error
    config = LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=list(chosen), bias="none"
    )
    inject_adapter_in_model(config, network)


def _check_targets(network: nn.Module, kind: str, targets: Sequence[str]) -> None:
    places = [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]
    known = sorted({place.rpartition(".")[2] for place in places if "layer" in place})
    unknown = [
        target
        for target in targets
        if not any(place == target or place.endswith(f".{target}") for place in places)
    ]
    if not targets or unknown:
        found = ", ".join(unknown) or "none"
        remedy = f"Correct lora_targets; there are {', '.join(known)}."
        raise MmserError(f"linear layers of {kind} as lora_targets", found, remedy)


def plain_state(module: nn.Module) -> dict[str, Tensor]:
    """The state of ``module`` with every adapter merged into the layer it stands beside.

    Without adapters: its own state.
    """
    state = dict(module.state_dict())
    adapted = _adapted(module)
    if not adapted:
        return state
    plain = {}
    for own, name in _plain_names(state, adapted).items():
        plain[name] = state[own]
    with torch.no_grad():
        for place, layer in adapted.items():
            for adapter in layer.active_adapters:
                name = f"{place}.weight"
                plain[name] = plain[name] + layer.get_delta_weight(adapter)
    return plain


def names_of_plain(module: nn.Module) -> dict[str, str]:
    """{a name in `plain_state`: the tensor of the state of ``module`` that takes it over}."""
    state = module.state_dict()
    return {name: own for own, name in _plain_names(state, _adapted(module)).items()}


def _adapted(module: nn.Module) -> dict[str, Any]:
    """{place: layer} of the layers with an adapter."""
    # Probed, as peft is imported only where adapters are added.
    return {
        place: layer
        for place, layer in module.named_modules()
        if hasattr(layer, "base_layer") and hasattr(layer, "get_delta_weight")
    }


def _plain_names(state: dict[str, Tensor], adapted: dict[str, Any]) -> dict[str, str]:
    """{own name: plain name}, without the tensors of the adapters themselves."""
    names = {}
    for own in state:
        # A layer's tensors end in .base_layer.weight, .lora_A.default.weight, ...
        parts = own.split(".")
        place = next(
            (
                ".".join(parts[:end])
                for end in range(len(parts))
                if ".".join(parts[:end]) in adapted
            ),
            None,
        )
        if place is None:
            names[own] = own
        elif own.startswith(f"{place}.base_layer."):
            names[own] = f"{place}.{own.removeprefix(f'{place}.base_layer.')}"
    return names
