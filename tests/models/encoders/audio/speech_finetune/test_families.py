"""Each network of the family in a padded batch against transformers' own on a single utterance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from makers.waveform_run import TINY

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.speech_finetune.encoder import SpeechFinetune

BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "feature_projection_input_dim": 160,
}
LARGE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "wav2vec2": ("wav2vec2", TINY),
    "hubert": ("hubert", TINY),
    "hubert with batch norm": ("hubert", TINY | {"conv_pos_batch_norm": True}),
    "wavlm": ("wavlm", TINY),
    "wavlm large": ("wavlm", TINY | LARGE),
    "unispeech": ("unispeech", TINY),
    "unispeech-sat": ("unispeech-sat", TINY),
    "data2vec-audio": (
        "data2vec-audio",
        TINY | {"conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 3},
    ),
    "wav2vec2-bert": ("wav2vec2-bert", BERT),
}
LENGTHS = (9000, 6100, 4222)


def saved(name: str, folder: Path) -> Path:
    """A checkpoint of that network as its own class saves it, away from its initial values."""
    kind, sizes = FAMILIES[name]
    torch.manual_seed(0)
    model = hf.AutoModel.from_config(hf.AutoConfig.for_model(kind, **sizes))
    for buffer in model.buffers():
        if buffer.is_floating_point() and buffer.dim() == 1 and len(buffer) == 16:
            buffer.uniform_(0.5, 1.5)  # what a batch norm has seen
    model.save_pretrained(folder)
    return folder


def batch(extra: int = 0) -> Stream:
    values = torch.full((len(LENGTHS), max(LENGTHS) + extra), float("nan"))
    for row, length in enumerate(LENGTHS):
        values[row, :length] = torch.randn(length, generator=torch.Generator().manual_seed(row))
    return Stream(values, ~values.isnan())


def published(model: Any, sound: torch.Tensor) -> torch.Tensor:
    """transformers' own states (1, frame, size) of one utterance (1, sample)."""
    if model.config.model_type != "wav2vec2-bert":
        return model(sound).last_hidden_state
    given = hf.SeamlessM4TFeatureExtractor()(
        [sound[0].numpy()], sampling_rate=16000, return_tensors="pt"
    )
    return model(**given).last_hidden_state[:, : int(given["attention_mask"].sum())]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_in_a_batch_equals_transformers_alone(name: str, tmp_path: Path) -> None:
    folder = saved(name, tmp_path)
    kind = FAMILIES[name][0]
    ours = SpeechFinetune(1, str(folder), kind).eval()  # type: ignore[arg-type]
    own = hf.AutoModel.from_pretrained(folder).eval()
    stream = batch(extra=3000)
    with torch.no_grad():
        out = ours(stream)
        for row, length in enumerate(LENGTHS):
            alone = published(own, stream.values[row : row + 1, :length])
            assert out.lengths[row] == alone.shape[1]
            torch.testing.assert_close(
                out.values[row, : alone.shape[1]], alone[0], atol=5e-5, rtol=1e-4
            )


@pytest.mark.parametrize("name", ["hubert with batch norm", "data2vec-audio", "wav2vec2-bert"])
def test_padding_reaches_no_gradient(name: str, tmp_path: Path) -> None:
    """In training too: two amounts of padding, the same gradients."""
    kind = FAMILIES[name][0]
    still = dict.fromkeys(
        ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout"), 0.0
    )
    sizes = FAMILIES[name][1] | still | {"conformer_conv_dropout": 0.0}
    gradients = []
    for extra in (0, 4000):
        torch.manual_seed(0)
        ours = SpeechFinetune(1, "random", kind, configuration=sizes).train()  # type: ignore[arg-type]
        ours(batch(extra)).values.square().sum().backward()
        gradients.append({n: p.grad for n, p in ours.named_parameters() if p.grad is not None})
    assert gradients[0]
    for name_, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name_], gradient, atol=1e-4, rtol=1e-3)


def test_another_kind_of_network_is_refused(tmp_path: Path) -> None:
    folder = saved("wavlm", tmp_path)
    for kind in ("wav2vec2", "hubert", "unispeech-sat"):
        expected = rf"a checkpoint of {kind} in .*; found model_type wavlm\. .*model_type"
        with pytest.raises(MmserError, match=expected):
            SpeechFinetune(1, str(folder), kind)  # type: ignore[arg-type]


def test_convolutions_after_the_layers_are_refused() -> None:
    with pytest.raises(MmserError, match=r"without convolutions after its layers"):
        SpeechFinetune(1, "random", "wavlm", configuration=TINY | {"add_adapter": True})


def test_all_of_it_learns_at_falling_rates() -> None:
    sizes = FAMILIES["data2vec-audio"][1]
    ours = SpeechFinetune(1, "random", "data2vec-audio", configuration=sizes, lr_decay=0.5)
    rates = ours.learning_rates()
    assert rates.keys() == {name for name, _ in ours.named_parameters()}
    assert {rates[name] for name in rates if name.startswith("positions.")} == {0.25}
