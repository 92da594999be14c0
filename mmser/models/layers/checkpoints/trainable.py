"""How a pretrained network is trained further: what stays fixed, at which rates, in what memory.

Sources: layer-wise rates after Howard and Ruder, "Universal language model fine-tuning", ACL 2018
(discriminative fine-tuning), as one factor per layer (Clark et al., "ELECTRA", ICLR 2020);
gradient checkpointing: Chen et al., "Training deep nets with sublinear memory cost", 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from mmser.core.errors import MmserError
from mmser.models.layers.checkpoints.adapters import add_adapters
from mmser.models.layers.checkpoints.pretrained import check_layers, freeze

_ABOVE = ("final_norm.*", "layer_norm.*", "pooler.*")
"""What transformers' networks have after their layers, which learns at the full rate."""


def prepare_training(
    network: Any,
    what: str,
    frozen_layers: int = 0,
    gradient_checkpointing: bool = False,
    lora_rank: int | None = None,
    lora_alpha: int = 16,
    lora_dropout: float = 0.0,
    lora_targets: Sequence[str] | None = None,
) -> None:
    """Set up the transformers network of the checkpoint ``what`` for training.

    ``frozen_layers`` transformer layers from the bottom stay as they are, adapters included. With a
    ``lora_rank`` adapters of that rank learn and nothing else of the network (see `add_adapters`).
    ``gradient_checkpointing`` computes each layer's inner values a second time in the backward pass
    in place of keeping them: the same gradients, less memory.
    """
    layers = layers_of(network)
    check_layers(frozen_layers, len(layers), what)
    if lora_rank is not None:
        add_adapters(network, lora_rank, lora_alpha, lora_dropout, lora_targets)
    for layer in layers[:frozen_layers]:
        freeze(layer)
    if gradient_checkpointing:
        _checkpoint_gradients(network)


def _checkpoint_gradients(network: Any) -> None:
    # Later versions of transformers have renamed it.
    later = getattr(network, "activation_checkpointing_enable", None)
    try:
        (later or network.gradient_checkpointing_enable)({"use_reentrant": False})
    except ValueError as error:
        raise MmserError(
            "a network that can compute its layers twice",
            network.config.model_type,
            "Set gradient_checkpointing=false, and a smaller batch.",
        ) from error


def layers_of(network: Any) -> nn.ModuleList:
    """The transformer layers of a network of transformers, from the bottom."""
    # Its networks name them in one of these ways.
    inner = getattr(network, "encoder", network)
    layers = getattr(inner, "layers", None)
    if layers is None:
        layers = getattr(inner, "layer", None)
    if not isinstance(layers, nn.ModuleList):
        raise MmserError(
            "a network with a list of layers", type(network).__name__, "Choose another encoder."
        )
    return layers


def rates_by_depth(module: nn.Module, network: Any, decay: float) -> dict[str, float]:
    """{parameter of ``module``: the share of the learning rate it learns at}.

    A parameter of layer i of n (from 0) learns at ``decay ** (n - 1 - i)``; all below the layers at
    ``decay ** n``; what ``network`` has above them at the full rate. ``module`` holds ``network``
    and parts of it. Empty for a decay of 1. Raises MmserError for one outside (0, 1].
    """
    if not 0.0 < decay <= 1.0:
        raise MmserError("lr_decay above 0 and at most 1", f"{decay}", "Correct lr_decay.")
    if decay == 1.0:
        return {}
    layers = layers_of(network)
    depths = {}
    for index, layer in enumerate(layers):
        for parameter in layer.parameters():
            depths[id(parameter)] = len(layers) - 1 - index
    for parameter in _above(network):
        depths[id(parameter)] = 0
    return {
        name: decay ** depths.get(id(parameter), len(layers))
        for name, parameter in module.named_parameters()
    }


def _above(network: Any) -> list[nn.Parameter]:
    """Parameters of what comes after the layers."""
    patterns = list(_ABOVE)
    if getattr(network.config, "do_stable_layer_norm", False):
        # The wav2vec 2.0 family has this norm below the layers, or above them where each norms its
        # own input.
        patterns.append("encoder.layer_norm.*")
    return [
        parameter
        for name, parameter in network.named_parameters()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    ]
