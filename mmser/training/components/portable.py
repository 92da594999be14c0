"""The config of a trained model without the pretrained weights that it started from.

Its own weights replace them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from mmser.core.weights import RANDOM
from mmser.models.layers.checkpoints.adapters import ARGUMENTS as ADAPTERS
from mmser.models.multimodal import MultimodalModel

LOCAL = ("weights_folder", "revision", *ADAPTERS)
"""Arguments of components that say where pretrained weights lie, or which adapters stand beside
them: the trained ones, with the adapters merged, replace them.
"""

UNSHARED = (
    "_name_or_path",
    "transformers_version",
    "architectures",
    "model_type",
    "dtype",
    "torch_dtype",
)


def portable(components: Mapping[str, Any], model: MultimodalModel) -> dict[str, Any]:
    """The components of ``model`` with no pretrained weights to look for.

    The model's own are read after it is built.
    """
    return unpretrained(components, network_sizes(model))


def unpretrained(
    components: Mapping[str, Any], sizes: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The same, where ``sizes`` are the `network_sizes` of the model."""
    bare: dict[str, Any] = _without_weights(components)
    for name, network in sizes.items():
        if "weights" in bare["encoders"][name]:
            bare["encoders"][name]["configuration"] = network
    return bare


def network_sizes(model: MultimodalModel) -> dict[str, dict[str, Any]]:
    """{encoder: the configuration of the transformers network inside}, for those that have one."""
    networks = {name: _transformers_config(encoder) for name, encoder in model.encoders.items()}
    return {name: sizes for name, sizes in networks.items() if sizes is not None}


def _without_weights(node: Any) -> Any:
    """The same tree of settings without `LOCAL`, its ``weights`` random."""
    if isinstance(node, list | tuple):
        return [_without_weights(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    bare = {key: _without_weights(value) for key, value in node.items() if key not in LOCAL}
    if isinstance(node.get("weights"), str):
        bare["weights"] = RANDOM
    return bare


def _transformers_config(encoder: nn.Module) -> dict[str, Any] | None:
    """The sizes of the transformers network inside, if there is one."""
    for module in encoder.modules():
        # Probed, as transformers is not imported here: its models carry their configuration.
        config = getattr(module, "config", None)
        if config is not None and hasattr(config, "to_json_string"):
            sizes: dict[str, Any] = json.loads(config.to_json_string(use_diff=True))
            return {key: value for key, value in sizes.items() if key not in UNSHARED}
    return None
