"""A Whisper model written as CTranslate2 writes it comes back as OpenAI's, number for number."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
import whisper
from torch import Tensor

from mmser.core.errors import MmserError
from mmser.weights.ctranslate2 import openai_checkpoint, read_tensors

DIMENSIONS = whisper.ModelDimensions(
    n_mels=8, n_audio_ctx=10, n_audio_state=128, n_audio_head=2, n_audio_layer=2,
    n_vocab=11, n_text_ctx=6, n_text_state=128, n_text_head=2, n_text_layer=1,
)  # fmt: skip
HERE = Path("model.bin")


def published() -> dict[str, Tensor]:
    torch.manual_seed(0)
    state = whisper.model.Whisper(DIMENSIONS).state_dict()
    return {name: torch.randn_like(tensor).half() for name, tensor in state.items()}


def converted(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under CTranslate2's names, projections of an attention joined."""
    made: dict[str, Tensor] = {
        "encoder/position_encodings/encodings": state["encoder.positional_embedding"],
        "decoder/position_encodings/encodings": state["decoder.positional_embedding"],
        "decoder/embeddings/weight": state["decoder.token_embedding.weight"],
        "encoder/num_heads": torch.tensor(2, dtype=torch.int16),
    }

    def both(theirs: str, ours: str, first: str = "weight", second: str = "bias") -> None:
        made[f"{theirs}/{first}"] = state[f"{ours}.weight"]
        made[f"{theirs}/{second}"] = state[f"{ours}.bias"]

    def joined(theirs: str, ours: str, names: tuple[str, ...]) -> None:
        zeros = torch.zeros(128).half()
        made[f"{theirs}/weight"] = torch.cat([state[f"{ours}.{name}.weight"] for name in names])
        biases = [zeros if name == "key" else state[f"{ours}.{name}.bias"] for name in names]
        made[f"{theirs}/bias"] = torch.cat(biases)

    for name in ("conv1", "conv2"):
        both(f"encoder/{name}", f"encoder.{name}")
    both("encoder/layer_norm", "encoder.ln_post", "gamma", "beta")
    both("decoder/layer_norm", "decoder.ln", "gamma", "beta")
    for side, layers in (("encoder", 2), ("decoder", 1)):
        for layer in range(layers):
            theirs, ours = f"{side}/layer_{layer}", f"{side}.blocks.{layer}"
            both(f"{theirs}/self_attention/layer_norm", f"{ours}.attn_ln", "gamma", "beta")
            joined(f"{theirs}/self_attention/linear_0", f"{ours}.attn", ("query", "key", "value"))
            both(f"{theirs}/self_attention/linear_1", f"{ours}.attn.out")
            both(f"{theirs}/ffn/layer_norm", f"{ours}.mlp_ln", "gamma", "beta")
            both(f"{theirs}/ffn/linear_0", f"{ours}.mlp.0")
            both(f"{theirs}/ffn/linear_1", f"{ours}.mlp.2")
            if side == "decoder":
                both(f"{theirs}/attention/layer_norm", f"{ours}.cross_attn_ln", "gamma", "beta")
                both(f"{theirs}/attention/linear_0", f"{ours}.cross_attn.query")
                joined(f"{theirs}/attention/linear_1", f"{ours}.cross_attn", ("key", "value"))
                both(f"{theirs}/attention/linear_2", f"{ours}.cross_attn.out")
    return made


def model_bin(tensors: dict[str, Tensor], kind: str = "WhisperSpec") -> bytes:
    def text(word: str) -> bytes:
        return struct.pack("<H", len(word) + 1) + word.encode() + b"\0"

    content = struct.pack("<I", 6) + text(kind) + struct.pack("<II", 3, len(tensors))
    for name, tensor in tensors.items():
        number = 2 if tensor.dtype == torch.int16 else 4
        numbers = tensor.numpy().tobytes()
        content += text(name) + struct.pack("<B", tensor.dim())
        content += b"".join(struct.pack("<I", size) for size in tensor.shape)
        content += struct.pack("<BI", number, len(numbers)) + numbers
    return content + struct.pack("<I", 0)


def test_the_tensors_of_a_published_model_come_back() -> None:
    state = published()
    checkpoint = openai_checkpoint(read_tensors(model_bin(converted(state)), HERE), HERE)
    assert whisper.ModelDimensions(**checkpoint["dims"]) == DIMENSIONS
    assert checkpoint["model_state_dict"].keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(checkpoint["model_state_dict"][name], tensor), name


def test_a_bias_of_keys_is_refused() -> None:
    tensors = converted(published())
    tensors["encoder/layer_1/self_attention/linear_0/bias"][130] = 1.0
    with pytest.raises(MmserError, match="keys with a bias in encoder/layer_1"):
        openai_checkpoint(tensors, HERE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("decoder/layer_norm/beta"), "no tensor decoder/layer_norm/beta"),
        (lambda t: t.update(extra=torch.zeros(3)), "no place for extra"),
    ],
)
def test_missing_and_unknown_tensors_are_refused(change, message: str) -> None:
    tensors = converted(published())
    change(tensors)
    with pytest.raises(MmserError, match=message):
        openai_checkpoint(tensors, HERE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends at byte 0"),
        (model_bin(converted(published()))[:-400], "ends at byte"),
        (model_bin({}, kind="TransformerSpec"), "kind 'TransformerSpec'"),
        (struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + b"\xff" * 8, "4294967295 tensors"),
    ],
)
def test_other_files_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(MmserError, match=message):
        read_tensors(content, HERE)
