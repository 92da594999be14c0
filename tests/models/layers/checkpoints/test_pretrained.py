"""The network of a checkpoint and no other: kinds, parameters unset and unused, damage, NaN."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from mmser.core.errors import MmserError
from mmser.extractors.audio.wav2vec2 import Wav2Vec2
from mmser.extractors.audio.xvector import XVector
from mmser.extractors.text.bert import Bert
from mmser.models.encoders.audio.segment_wav2vec2 import SegmentWav2Vec2
from mmser.models.encoders.audio.speech_finetune.encoder import SpeechFinetune
from mmser.models.encoders.text.bert_gru import BertGRU
from mmser.models.encoders.text.text_finetune import TextFinetune

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
SPEECH = SIZES | {
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 1,
}
TEXT = SIZES | {"vocab_size": 20, "max_position_embeddings": 16}
QUANTIZER = {"codevector_dim": 8, "proj_codevector_dim": 8, "num_codevectors_per_group": 4}
XVECTOR = {"tdnn_dim": (8,) * 5, "xvector_output_dim": 4}
CHECKPOINTS: dict[str, Callable[[], Any]] = {
    "wav2vec2": lambda: hf.Wav2Vec2Model(hf.Wav2Vec2Config(**SPEECH)),
    "wav2vec2_ctc": lambda: hf.Wav2Vec2ForCTC(hf.Wav2Vec2Config(**SPEECH, mask_time_prob=0.0)),
    "wav2vec2_pretraining": lambda: hf.Wav2Vec2ForPreTraining(
        hf.Wav2Vec2Config(**SPEECH, **QUANTIZER)
    ),
    "wavlm": lambda: hf.WavLMModel(hf.WavLMConfig(**SPEECH)),
    "wavlm_xvector": lambda: hf.WavLMForXVector(hf.WavLMConfig(**SPEECH, **XVECTOR)),
    "hubert": lambda: hf.HubertModel(hf.HubertConfig(**SPEECH)),
    "data2vec": lambda: hf.Data2VecAudioModel(
        hf.Data2VecAudioConfig(**{k: SPEECH[k] for k in [*SIZES, "conv_dim"]})
    ),
    "bert": lambda: hf.BertModel(hf.BertConfig(**TEXT)),
    "bert_masked": lambda: hf.BertForMaskedLM(hf.BertConfig(**TEXT)),
    "bert_pretraining": lambda: hf.BertForPreTraining(hf.BertConfig(**TEXT)),
    "roberta": lambda: hf.RobertaForMaskedLM(hf.RobertaConfig(**TEXT)),
    "distilbert": lambda: hf.DistilBertModel(
        hf.DistilBertConfig(dim=16, n_layers=1, n_heads=2, hidden_dim=16, vocab_size=20)
    ),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            CHECKPOINTS[name]().save_pretrained(made[name])
        return made[name]

    return folder


def copied(folder: Path, target: Path, tensors: dict[str, Any]) -> Path:
    """The checkpoint with other tensors; None takes one away."""
    target.mkdir()
    (target / "config.json").write_bytes((folder / "config.json").read_bytes())
    changed = load_file(folder / "model.safetensors") | tensors
    kept = {name: tensor for name, tensor in changed.items() if tensor is not None}
    save_file(kept, target / "model.safetensors", metadata={"format": "pt"})
    return target


TRAINED = [
    *(
        (kind, name)
        for kind in (SpeechFinetune, SegmentWav2Vec2)
        for name in ("wavlm", "hubert", "data2vec", "bert")
    ),
    *(
        (kind, name)
        for kind in (TextFinetune, BertGRU)
        for name in ("roberta", "distilbert", "wav2vec2")
    ),
]


@pytest.mark.parametrize(
    ("encoder", "name"), TRAINED, ids=lambda value: getattr(value, "__name__", value)
)
def test_an_encoder_refuses_another_network(
    encoder: Any, name: str, checkpoint: Callable[[str], Path]
) -> None:
    kind = "bert" if encoder in (TextFinetune, BertGRU) else "wav2vec2"
    told = name if name != "data2vec" else "data2vec-audio"
    expected = rf"a checkpoint of {kind} in .*; found model_type {told}\. .*mmser list extractors"
    with pytest.raises(MmserError, match=expected):
        encoder(1, weights=str(checkpoint(name)))


def test_an_encoder_reads_its_network_from_checkpoints_of_any_task(
    checkpoint: Callable[[str], Path],
) -> None:
    for name in ("wav2vec2", "wav2vec2_ctc", "wav2vec2_pretraining"):
        ours = SpeechFinetune(1, weights=str(checkpoint(name)))
        published = load_file(checkpoint(name) / "model.safetensors")
        key = next(key for key in published if key.endswith("feature_projection.projection.weight"))
        assert torch.equal(ours.network.feature_projection.projection.weight, published[key])
    for name in ("bert", "bert_masked", "bert_pretraining"):
        TextFinetune(1, weights=str(checkpoint(name)))


def test_a_checkpoint_in_half_precision_is_trained_in_float32(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    hf.BertModel.from_pretrained(checkpoint("bert")).half().save_pretrained(tmp_path)
    assert {tensor.dtype for tensor in load_file(tmp_path / "model.safetensors").values()} == {
        torch.float16
    }
    ours = TextFinetune(1, weights=str(tmp_path))
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}


def test_an_extractor_refuses_what_it_cannot_read(checkpoint: Callable[[str], Path]) -> None:
    def refused(extractor: Any, name: str, message: str) -> None:
        with pytest.raises(MmserError, match=message):
            extractor(weights=str(checkpoint(name)), size=16)._model  # noqa: B018

    refused(
        Wav2Vec2,
        "bert",
        r"a checkpoint of wav2vec2 or hubert.*; found model_type bert\. .*the extractors bert",
    )
    refused(XVector, "bert", "found model_type bert")
    refused(
        XVector,
        "wavlm",
        r"the tensors of a WavLMForXVector in .*; found no classifier\.bias.* and \d+ more",
    )
    refused(Bert, "wav2vec2", "a text encoder in .*; found model_type wav2vec2")
    assert (
        XVector(weights=str(checkpoint("wavlm_xvector")), size=4)._model.config.model_type
        == "wavlm"
    )
    assert Bert(weights=str(checkpoint("roberta")), size=16)._model.config.model_type == "roberta"


def test_parameters_unset_or_to_spare_are_refused(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    source = checkpoint("wav2vec2")
    name = "encoder.layers.0.final_layer_norm.bias"
    lacking = copied(source, tmp_path / "lacking", {name: None})
    with pytest.raises(
        MmserError, match=rf"the tensors of a Wav2Vec2Model in .*lacking; found no {name}\."
    ):
        SpeechFinetune(1, weights=str(lacking))
    with pytest.raises(MmserError, match=rf"found no {name}\."):
        Wav2Vec2(weights=str(lacking), size=16)._model  # noqa: B018
    spare = copied(source, tmp_path / "spare", {"encoder.layers.0.gate": torch.ones(2)})
    with pytest.raises(MmserError, match=r"found no place for encoder\.layers\.0\.gate\."):
        SpeechFinetune(1, weights=str(spare))
    shape = copied(source, tmp_path / "shape", {name: torch.ones(3)})
    with pytest.raises(MmserError, match=r"a readable checkpoint of wav2vec2 in .*shape"):
        SpeechFinetune(1, weights=str(shape))


def test_a_checkpoint_without_the_vector_that_hides_frames_is_whole(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    """The published checkpoints that were fine-tuned for recognition have none."""
    folder = copied(checkpoint("wav2vec2"), tmp_path / "w", {"masked_spec_embed": None})
    SpeechFinetune(1, weights=str(folder))
    assert Wav2Vec2(weights=str(folder), size=16)._model.config.hidden_size == 16


def test_not_a_number_and_damage_are_refused(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    source = checkpoint("bert")
    wrong = copied(
        source, tmp_path / "nan", {"embeddings.LayerNorm.bias": torch.full((16,), float("nan"))}
    )
    with pytest.raises(
        MmserError, match=r"weights that are numbers in .*nan; found NaN or infinity in embeddings"
    ):
        TextFinetune(1, weights=str(wrong))
    (wrong / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(MmserError, match="expected a readable checkpoint of bert in "):
        TextFinetune(1, weights=str(wrong))
    (wrong / "model.safetensors").unlink()
    with pytest.raises(MmserError, match="expected a readable checkpoint of bert in "):
        TextFinetune(1, weights=str(wrong))
    for content in ("{", "[]", json.dumps({"hidden_size": 3}), "[" * 100_000):
        (wrong / "config.json").write_text(content)
        with pytest.raises(MmserError, match=r"config\.json"):
            TextFinetune(1, weights=str(wrong))
