"""Manifests of TensorFlow.js: plain and quantised numbers, and files that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmser.core.errors import MmserError
from mmser.weights.tensorflow_js import read_tensors


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    plain = np.arange(6, dtype="<f4")
    entries = [
        {"name": "plain", "shape": [2, 3], "dtype": "float32"},
        {
            "name": "small",
            "shape": [4],
            "dtype": "float32",
            "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
        },
    ]
    manifest, binary = tmp_path / "manifest.json", tmp_path / "model.bin"
    manifest.write_text(json.dumps([{"paths": ["model.bin"], "weights": entries}]))
    binary.write_bytes(plain.tobytes() + bytes([0, 2, 4, 255]))
    return manifest, binary


def test_plain_and_quantised_numbers(files: tuple[Path, Path]) -> None:
    tensors = read_tensors(*files)
    assert tensors["plain"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert tensors["small"].tolist() == [-1.0, 0.0, 1.0, 126.5]


def test_the_manifest_of_a_graph_and_halves(tmp_path: Path) -> None:
    entry = {"name": "half", "shape": [2], "dtype": "float32"}
    entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
    graph, binary = tmp_path / "model.json", tmp_path / "model.bin"
    manifest = [{"paths": ["model.bin"], "weights": [entry]}]
    graph.write_text(json.dumps({"modelTopology": {}, "weightsManifest": manifest}))
    binary.write_bytes(np.array([0.5, -2.0], dtype="<f2").tobytes())
    half = read_tensors(graph, binary)["half"]
    assert half.tolist() == [0.5, -2.0] and half.dtype == torch.float32


@pytest.mark.parametrize(("change", "message"), [(-1, "27 bytes, 28 or more"), (2, "30 bytes")])
def test_a_binary_of_another_size_is_refused(
    files: tuple[Path, Path], change: int, message: str
) -> None:
    manifest, binary = files
    content = binary.read_bytes()
    binary.write_bytes(content[:change] if change < 0 else content + b"\0" * change)
    with pytest.raises(MmserError, match=message):
        read_tensors(manifest, binary)
