"""Published emotion recognisers on tiny checkpoints of each kind: the answers are their makers'."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from makers.clips import speechlike
from makers.emotion_checkpoints import WRITERS, names, write_classifier, write_dense, write_odyssey
from safetensors.torch import load_file, save_file

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.audio.emotion_checkpoint import EmotionCheckpoint
from mmser.extractors.networks.emotion_labels import checkpoint_facts

VECTORS = {"dense": 32, "odyssey": 64, "emotion2vec": 64}


def extractor(folder: Path, **changes: Any) -> EmotionCheckpoint:
    return EmotionCheckpoint(**{"weights": str(folder), "device": "cpu", **changes})


@pytest.mark.parametrize("kind", WRITERS)
def test_answers_are_the_makers_own_whatever_the_companions(kind: str, tmp_path: Path) -> None:
    original = WRITERS[kind](tmp_path / kind)
    spoken = [Clip(f"c{n}", speechlike(seconds, n)) for n, seconds in enumerate((0.9, 0.3))]
    made = extractor(tmp_path / kind)
    for clip, said in zip(spoken, made.extract(spoken), strict=True):
        np.testing.assert_allclose(said.values[0], original(clip.waveform), atol=1e-5)
        assert said.spans.tolist() == [[0.0, pytest.approx(len(clip.waveform) / 16_000)]]
    vector = extractor(tmp_path / kind, output="vector").extract(spoken[:1])[0].values
    assert vector.shape == (1, VECTORS.get(kind, 12))
    assert made.feature_size == len(checkpoint_facts(tmp_path / kind).labels)


def test_a_whisper_classifier_hears_its_own_window(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = hf.WhisperConfig(
        vocab_size=20, d_model=16, encoder_layers=1, encoder_attention_heads=2, decoder_layers=1,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_mel_bins=80,
        classifier_proj_size=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1, **names(("happy", "sad")),
    )  # fmt: skip
    model = hf.WhisperForAudioClassification(config).eval()
    model.save_pretrained(tmp_path)
    features = hf.WhisperFeatureExtractor()
    features.save_pretrained(tmp_path)
    clip = Clip("c", speechlike(0.5, 1))
    (said,) = extractor(tmp_path).extract([clip])
    with torch.inference_mode():
        inputs = features(clip.waveform, sampling_rate=16_000, return_tensors="pt")
        expected = model(inputs.input_features).logits[0].numpy()
    np.testing.assert_allclose(said.values[0], expected, atol=1e-5)
    (cut,) = extractor(tmp_path).extract([Clip("long", speechlike(31.0, 1))])
    assert (said.notes, cut.notes) == ("", "the first 30 s were heard")


def test_labels_come_from_the_checkpoint(tmp_path: Path) -> None:
    write_odyssey(tmp_path / "odyssey")
    assert checkpoint_facts(tmp_path / "odyssey").labels == ("Angry", "Sad", "Happy")
    WRITERS["emotion2vec"](tmp_path / "e2v")
    assert checkpoint_facts(tmp_path / "e2v").labels[-2:] == ("x/surprised", "<unk>")
    (tmp_path / "e2v" / "tokens.txt").unlink()
    assert checkpoint_facts(tmp_path / "e2v" / "model.pt").labels[-1] == "unknown"


def test_a_head_that_is_not_the_classes_own_is_refused(tmp_path: Path) -> None:
    """A checkpoint may call itself a class of transformers and hold another head."""
    write_dense(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["architectures"] = ["Wav2Vec2ForSequenceClassification"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(MmserError, match=r"Wav2Vec2ForSequenceClassification .*no classifier"):
        extractor(tmp_path).extract([Clip("c", speechlike(0.3, 0))])


def test_a_lacking_tensor_is_named(tmp_path: Path) -> None:
    write_dense(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["classifier.dense.bias"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(MmserError, match=r"no dense\.bias"):
        extractor(tmp_path).extract([Clip("c", speechlike(0.3, 0))])
    del tensors["classifier.dense.weight"]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(MmserError, match=r"no 'dense\.weight'"):
        extractor(tmp_path).extract([Clip("c", speechlike(0.3, 0))])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"architectures": ["Wav2Vec2Model"]}, "architectures Wav2Vec2Model"),
        ({"model_type": "ser", "auto_map": {"AutoModel": "x.Y"}}, "model_type ser"),
        ({"id2label": {"1": "a"}}, "id2label"),
    ],
)
def test_what_is_no_emotion_recogniser_is_refused(
    change: dict[str, Any], match: str, tmp_path: Path
) -> None:
    write_classifier(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | change
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(MmserError, match=match):
        extractor(tmp_path).extract([Clip("c", speechlike(0.3, 0))])


def test_another_sample_rate_and_another_size_are_refused(tmp_path: Path) -> None:
    write_classifier(tmp_path)
    with pytest.raises(MmserError, match="size 7"):
        extractor(tmp_path, size=7).extract([Clip("c", speechlike(0.3, 0))])
    hf.Wav2Vec2FeatureExtractor(sampling_rate=8000).save_pretrained(tmp_path)
    with pytest.raises(MmserError, match="8000 Hz"):
        extractor(tmp_path).extract([Clip("c", speechlike(0.3, 0))])


def test_a_hub_id_without_a_hub_is_one_clear_error(tmp_path: Path) -> None:
    lost = extractor(Path("nobody/nothing"), weights_folder=str(tmp_path), revision="0" * 40)
    with pytest.raises(MmserError, match="weights of the emotion recogniser") as caught:
        lost.extract([Clip("c", speechlike(0.3, 0))])
    assert "nobody/nothing" in caught.value.remedy


def test_a_bert_like_network_over_filter_banks(tmp_path: Path) -> None:
    """wav2vec2-BERT takes features and a mask of its own feature extractor's."""
    torch.manual_seed(0)
    config = hf.Wav2Vec2BertConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        feature_projection_input_dim=160, output_hidden_size=32, classifier_proj_size=12,
        conv_depthwise_kernel_size=3, **names(("happy", "sad", "angry")),
    )  # fmt: skip
    model = hf.Wav2Vec2BertForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    features = hf.SeamlessM4TFeatureExtractor()
    features.save_pretrained(tmp_path)
    spoken = [Clip(f"c{n}", speechlike(seconds, n)) for n, seconds in enumerate((0.8, 0.35))]
    for clip, said in zip(spoken, extractor(tmp_path).extract(spoken), strict=True):
        inputs = features(clip.waveform, sampling_rate=16_000, return_tensors="pt")
        with torch.inference_mode():
            expected = model(**inputs).logits[0].numpy()
        np.testing.assert_allclose(said.values[0], expected, atol=1e-5)


def test_an_audio_spectrogram_transformer(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = hf.ASTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_length=128, num_mel_bins=32, **names(("happy", "sad")),
    )  # fmt: skip
    model = hf.ASTForAudioClassification(config).eval()
    model.save_pretrained(tmp_path)
    features = hf.ASTFeatureExtractor(num_mel_bins=32, max_length=128)
    features.save_pretrained(tmp_path)
    clip = Clip("c", speechlike(0.6, 1))
    (said,) = extractor(tmp_path).extract([clip])
    inputs = features(clip.waveform, sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**inputs).logits[0].numpy()
    np.testing.assert_allclose(said.values[0], expected, atol=1e-5)
