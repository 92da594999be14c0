"""face-api's networks against their layers written in NumPy, in TensorFlow's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmser.core.errors import MmserError
from mmser.extractors.networks.face_api import (
    EmbeddingNetwork,
    ExpressionNetwork,
    read_network,
)

Weights = dict[str, np.ndarray]
DENSE = [("dense0", 3, 32), ("dense1", 32, 64), ("dense2", 64, 128), ("dense3", 128, 256)]
RESIDUAL = ["32_1", "32_2", "32_3", "64_down", "64_1", "64_2", "64_3", "128_down", "128_1", "128_2",
            "256_down", "256_1", "256_2", "256_down_out"]  # fmt: skip


def expression_weights() -> Weights:
    """Random tensors under the published names; sized so that the signal neither fades nor grows."""
    draw, weights = np.random.default_rng(0).normal, {}
    for block, inputs, size in DENSE:
        for number in range(4):
            layer, entering = f"{block}/conv{number}", size if number else inputs
            if block == "dense0" and number == 0:
                weights[f"{layer}/filters"] = draw(0, 0.3, (3, 3, inputs, size))
            else:
                weights[f"{layer}/depthwise_filter"] = draw(0, 0.3, (3, 3, entering, 1))
                weights[f"{layer}/pointwise_filter"] = draw(
                    0, entering**-0.5, (1, 1, entering, size)
                )
            weights[f"{layer}/bias"] = draw(0, 0.1, size)
    weights["fc/weights"] = draw(0, 0.05, (256, 7))
    weights["fc/bias"] = draw(0, 0.1, 7)
    return {name: values.astype(np.float32) for name, values in weights.items()}


def embedding_weights() -> Weights:
    draw, weights = np.random.default_rng(1).normal, {}

    def add(layer: str, side: int, inputs: int, size: int) -> None:
        spread = (side * side * inputs) ** -0.5
        weights[f"{layer}/conv/filters"] = draw(0, spread, (side, side, inputs, size))
        weights[f"{layer}/conv/bias"] = draw(0, 0.1, size)
        weights[f"{layer}/scale/weights"] = draw(1, 0.1, size)
        weights[f"{layer}/scale/biases"] = draw(0, 0.1, size)

    add("conv32_down", 7, 3, 32)
    entering = 32
    for name in RESIDUAL:
        size = int(name.partition("_")[0])
        add(f"conv{name}/conv1", 3, entering, size)
        add(f"conv{name}/conv2", 3, size, size)
        entering = size
    weights["fc"] = draw(0, 256**-0.5, (256, 128))
    return {name: values.astype(np.float32) for name, values in weights.items()}


def windows(maps: np.ndarray, side: int, stride: int, padding: str) -> np.ndarray:
    """(height, width, channel) -> (height, width, channel, side, side), TensorFlow's padding."""
    if padding == "SAME":
        pads = []
        for length in maps.shape[:2]:
            steps = -(-length // stride)
            whole = max((steps - 1) * stride + side - length, 0)
            pads.append((whole // 2, whole - whole // 2))
        maps = np.pad(maps, [*pads, (0, 0)])
    every = np.lib.stride_tricks.sliding_window_view(maps, (side, side), axis=(0, 1))
    return every[::stride, ::stride]


def convolved(
    maps: np.ndarray, filters: np.ndarray, stride: int = 1, padding: str = "SAME"
) -> np.ndarray:
    return np.einsum(
        "hwcij,ijco->hwo", windows(maps, filters.shape[0], stride, padding), filters, optimize=True
    )


def expression_reference(picture: np.ndarray, weights: Weights) -> np.ndarray:
    def separable(maps: np.ndarray, layer: str, stride: int = 1) -> np.ndarray:
        depthwise = weights[f"{layer}/depthwise_filter"][..., 0]
        within = np.einsum("hwcij,ijc->hwc", windows(maps, 3, stride, "SAME"), depthwise)
        return convolved(within, weights[f"{layer}/pointwise_filter"]) + weights[f"{layer}/bias"]

    maps = picture
    for block, *_ in DENSE:
        if block == "dense0":
            halved = convolved(maps, weights["dense0/conv0/filters"], stride=2)
            first = relu(halved + weights["dense0/conv0/bias"])
        else:
            first = relu(separable(maps, f"{block}/conv0", stride=2))
        second = separable(first, f"{block}/conv1")
        third = separable(relu(first + second), f"{block}/conv2")
        fourth = separable(relu(first + second + third), f"{block}/conv3")
        maps = relu(first + second + third + fourth)
    assert maps.shape == (7, 7, 256)
    features = maps.mean(axis=(0, 1))
    answers = np.exp(features @ weights["fc/weights"] + weights["fc/bias"])
    return np.concatenate([answers / answers.sum(), features])


def embedding_reference(picture: np.ndarray, weights: Weights) -> np.ndarray:
    def scaled(maps: np.ndarray, layer: str, stride: int = 1, padding: str = "SAME") -> np.ndarray:
        outcome = convolved(maps, weights[f"{layer}/conv/filters"], stride, padding)
        outcome = outcome + weights[f"{layer}/conv/bias"]
        return outcome * weights[f"{layer}/scale/weights"] + weights[f"{layer}/scale/biases"]

    maps = relu(scaled(picture, "conv32_down", 2, "VALID"))
    maps = windows(maps, 3, 2, "VALID").max(axis=(3, 4))
    for name in RESIDUAL:
        halving = "down" in name
        first = scaled(
            maps, f"conv{name}/conv1", 2 if halving else 1, "VALID" if halving else "SAME"
        )
        outcome = scaled(relu(first), f"conv{name}/conv2")
        if halving:
            maps = windows(maps, 2, 2, "VALID").mean(axis=(3, 4))
            wide = np.zeros((*maps.shape[:2], outcome.shape[2]), dtype=np.float32)
            wide[..., : maps.shape[2]] = maps
            wide[: outcome.shape[0], : outcome.shape[1]] += outcome
            maps = relu(wide)
        else:
            maps = relu(maps + outcome)
    assert maps.shape == (2, 2, 256)
    return maps.mean(axis=(0, 1)) @ weights["fc"]


def relu(maps: np.ndarray) -> np.ndarray:
    return np.maximum(maps, 0)


def loaded(network: nn.Module, weights: Weights, folder: Path) -> nn.Module:
    file = folder / "made.safetensors"
    save_file({name: torch.from_numpy(values) for name, values in weights.items()}, file)
    read_network(network, file)
    return network.eval()


CASES = [
    (ExpressionNetwork, expression_weights, expression_reference, 112),
    (EmbeddingNetwork, embedding_weights, embedding_reference, 150),
]


@pytest.mark.parametrize(("network", "made", "reference", "side"), CASES)
def test_the_network_is_its_layers_in_tensorflows_layout(
    tmp_path: Path, network, made, reference, side: int
) -> None:
    weights = made()
    picture = np.random.default_rng(2).normal(0, 0.3, (side, side, 3)).astype(np.float32)
    pictures = torch.from_numpy(picture).permute(2, 0, 1)[None]
    with torch.inference_mode():
        outcome = loaded(network(), weights, tmp_path)(pictures)[0].numpy()
    assert outcome.std() > 0.01
    np.testing.assert_allclose(outcome, reference(picture, weights), atol=1e-4)


@pytest.mark.parametrize(("network", "made", "reference", "side"), CASES)
def test_weights_that_lack_a_tensor_or_have_one_too_many_are_refused(
    tmp_path: Path, network, made, reference, side: int
) -> None:
    weights = made()
    lacking = dict(list(weights.items())[1:])
    with pytest.raises(MmserError, match=r"no conv32_down|no dense0"):
        loaded(network(), lacking, tmp_path)
    with pytest.raises(MmserError, match="no place for more"):
        loaded(network(), {**weights, "more": np.zeros(1, dtype=np.float32)}, tmp_path)
