"""Each network of the family in a padded batch against transformers' own on a single utterance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from makers.speech_checkpoints import FAMILIES, save_speech_checkpoint
from makers.waveform_run import TINY

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.speech_finetune.encoder import SpeechFinetune

ELSEWHERE = ("wav2vec2-conformer", "sew", "sew-d")
"""Families that extractors alone read."""
TAKEN = [family for family in FAMILIES if family not in ELSEWHERE]
LENGTHS = (9000, 6100, 4222)


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


@pytest.mark.parametrize("family", TAKEN)
def test_a_row_in_a_batch_equals_transformers_alone(family: str, tmp_path: Path) -> None:
    own = save_speech_checkpoint(family, tmp_path)
    own = getattr(own, "wav2vec2", own)
    ours = SpeechFinetune(1, str(tmp_path), own.config.model_type).eval()
    stream = batch(extra=3000)
    with torch.no_grad():
        out = ours(stream)
        for row, length in enumerate(LENGTHS):
            alone = published(own, stream.values[row : row + 1, :length])
            assert out.lengths[row] == alone.shape[1]
            torch.testing.assert_close(
                out.values[row, : alone.shape[1]], alone[0], atol=5e-5, rtol=1e-4
            )


@pytest.mark.parametrize("family", ["hubert with batch norm", "data2vec-audio", "wav2vec2-bert"])
def test_padding_reaches_no_gradient(family: str, tmp_path: Path) -> None:
    """In training too: two amounts of padding, the same gradients."""
    kind = save_speech_checkpoint(family, tmp_path).config.model_type
    gradients = []
    for extra in (0, 4000):
        ours = SpeechFinetune(1, str(tmp_path), kind).train()
        for module in ours.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        for layer in ours.network.encoder.layers:
            _without_dropout(layer)
        ours(batch(extra)).values.square().sum().backward()
        gradients.append({n: p.grad for n, p in ours.named_parameters() if p.grad is not None})
    assert gradients[0]
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-4, rtol=1e-3)


def _without_dropout(layer: Any) -> None:
    # The attention's is a plain number.
    for module in layer.modules():
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0


def test_another_kind_of_network_is_refused(tmp_path: Path) -> None:
    save_speech_checkpoint("wavlm", tmp_path)
    for kind in ("wav2vec2", "hubert", "unispeech-sat"):
        expected = rf"a checkpoint of {kind} in .*; found model_type wavlm\. .*model_type"
        with pytest.raises(MmserError, match=expected):
            SpeechFinetune(1, str(tmp_path), kind)  # type: ignore[arg-type]


def test_convolutions_after_the_layers_are_refused() -> None:
    with pytest.raises(MmserError, match=r"without convolutions after its layers"):
        SpeechFinetune(1, "random", "wavlm", configuration=TINY | {"add_adapter": True})


def test_all_of_it_learns_at_falling_rates() -> None:
    sizes = TINY | {"conv_pos_kernel_size": 5, "num_conv_pos_embeddings": 3}
    ours = SpeechFinetune(1, "random", "data2vec-audio", configuration=sizes, lr_decay=0.5)
    rates = ours.learning_rates()
    assert rates.keys() == {name for name, _ in ours.named_parameters()}
    assert {rates[name] for name in rates if name.startswith("positions.")} == {0.25}
