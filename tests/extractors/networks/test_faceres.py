"""faceres against its graph written in NumPy, in TensorFlow's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mmser.core.errors import MmserError
from mmser.extractors.networks.faceres import (
    AgeGenderNetwork,
    DescriptionNetwork,
    expected_age,
    read_network,
)

Weights = dict[str, np.ndarray]
BLOCKS = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2),
          (512, 512, 1), (512, 512, 1), (512, 512, 1), (512, 512, 1), (512, 512, 1), (512, 1024, 2),
          (1024, 1024, 1)]  # fmt: skip
SIDE = 33
"""Of the test's picture, pixels: the network takes any, and an odd side pads otherwise."""


def published_weights() -> Weights:
    """Random tensors under the published names; sized so that the signal neither fades nor grows."""
    draw, weights = np.random.default_rng(0).normal, {}

    def end(layer: str, size: int) -> None:
        weights[f"{layer}_bn/batchnorm_1/sub"] = draw(0, 0.2, size)
        weights[f"{layer}_relu/Cast"] = np.array(6.0)
        weights[f"{layer}_relu/Const_1"] = np.array(0.0)

    weights["conv1/convolution/merged_input"] = draw(0, 0.3, (3, 3, 3, 32))
    end("conv1", 32)
    for number, (inputs, size, _) in enumerate(BLOCKS, start=1):
        weights[f"conv_dw_{number}/depthwise_kernel"] = draw(0, 0.4, (3, 3, inputs, 1))
        weights[f"conv_dw_{number}_bn/batchnorm_1/mul"] = draw(1, 0.2, inputs)
        end(f"conv_dw_{number}", inputs)
        filters = draw(0, 1.4 * inputs**-0.5, (1, 1, inputs, size))
        weights[f"conv_pw_{number}/convolution/merged_input"] = filters
        end(f"conv_pw_{number}", size)
    for layer, inputs, size in [
        ("feats", 1024, 256),
        ("gender_pred", 256, 1),
        ("age_pred", 256, 100),
    ]:
        weights[f"{layer}/kernel"] = draw(0, inputs**-0.5, (inputs, size))
        weights[f"{layer}/bias"] = draw(0, 0.1, size)
    weights["global_pooling/Mean/reduction_indices"] = np.array([2.0])
    return {name: np.asarray(values, dtype=np.float32) for name, values in weights.items()}


def windows(maps: np.ndarray, stride: int) -> np.ndarray:
    """(height, width, channel) -> (height, width, channel, 3, 3), padded as TensorFlow's SAME."""
    pads = []
    for length in maps.shape[:2]:
        whole = max((-(-length // stride) - 1) * stride + 3 - length, 0)
        pads.append((whole // 2, whole - whole // 2))
    framed = np.pad(maps, [*pads, (0, 0)])
    every = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(0, 1))
    return every[::stride, ::stride]


def reference(picture: np.ndarray, weights: Weights) -> tuple[np.ndarray, float, np.ndarray]:
    """Blue, green, red -> features, probability of a man, probabilities of ages."""

    def clipped(maps: np.ndarray, layer: str) -> np.ndarray:
        return np.clip(maps + weights[f"{layer}_bn/batchnorm_1/sub"], 0, 6)

    filters = weights["conv1/convolution/merged_input"]
    maps = clipped(np.einsum("hwcij,ijco->hwo", windows(picture, 2), filters), "conv1")
    for number, (_, _, stride) in enumerate(BLOCKS, start=1):
        within, across = f"conv_dw_{number}", f"conv_pw_{number}"
        kernel = weights[f"{within}/depthwise_kernel"][..., 0]
        maps = np.einsum("hwcij,ijc->hwc", windows(maps, stride), kernel)
        maps = clipped(maps * weights[f"{within}_bn/batchnorm_1/mul"], within)
        maps = clipped(maps @ weights[f"{across}/convolution/merged_input"][0, 0], across)
    features = maps.mean(axis=(0, 1))

    def dense(values: np.ndarray, layer: str) -> np.ndarray:
        return values @ weights[f"{layer}/kernel"] + weights[f"{layer}/bias"]

    hidden = np.maximum(dense(features, "feats"), 0)
    man = 1 / (1 + np.exp(-dense(hidden, "gender_pred")[0]))
    ages = np.exp(dense(hidden, "age_pred"))
    return features, float(man), ages / ages.sum()


def loaded(network: nn.Module, weights: Weights, folder: Path) -> nn.Module:
    file = folder / "made.safetensors"
    save_file({name: torch.from_numpy(values) for name, values in weights.items()}, file)
    read_network(network, file)
    return network.eval()


def test_the_network_is_the_published_graph(tmp_path: Path) -> None:
    weights = published_weights()
    red_first = np.random.default_rng(1).normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32)
    pictures = torch.from_numpy(red_first).permute(2, 0, 1)[None]
    features, man, ages = reference(red_first[..., ::-1], weights)
    with torch.inference_mode():
        description = loaded(DescriptionNetwork(), weights, tmp_path)(pictures)[0]
        answers = loaded(AgeGenderNetwork(), weights, tmp_path)(pictures)[0]
    assert features.std() > 0.01
    np.testing.assert_allclose(description.numpy(), features, atol=1e-4)
    two = np.argsort(ages)[-2:]
    years = 1 + (ages[two] * two).sum() / ages[two].sum()
    np.testing.assert_allclose(answers.numpy(), [man, years], rtol=1e-4)


def test_the_age_is_the_mean_of_the_two_likeliest() -> None:
    probabilities = torch.zeros(1, 100)
    probabilities[0, [29, 31, 70]] = torch.tensor([0.6, 0.2, 0.1])
    assert expected_age(probabilities).item() == pytest.approx(1 + 0.75 * 29 + 0.25 * 31)


def test_weights_that_lack_a_tensor_or_have_one_too_many_are_refused(tmp_path: Path) -> None:
    weights = published_weights()
    lacking = {
        name: values
        for name, values in weights.items()
        if name != "conv_pw_4/convolution/merged_input"
    }
    with pytest.raises(MmserError, match=r"no blocks\.3\.pointwise\.weight"):
        loaded(DescriptionNetwork(), lacking, tmp_path)
    with pytest.raises(MmserError, match="no place for more"):
        loaded(DescriptionNetwork(), {**weights, "more": np.zeros(1, dtype=np.float32)}, tmp_path)
