"""Tiny emotion recognisers in the files that published ones have, each beside the computation that
its makers describe.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as hf
from safetensors.torch import save_file
from torch import nn

from makers.emotion2vec_file import published
from mmser.core.batch import Stream
from mmser.models.encoders.audio.emotion2vec.encoder import Emotion2Vec

SUPERB = ("neu", "hap", "ang", "sad")
SIZES: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 12,
}  # fmt: skip
Original = Callable[[np.ndarray], np.ndarray]
"""waveform (sample,) -> answers (label,), as the checkpoint's makers compute them."""


def names(labels: Sequence[str]) -> dict[str, Any]:
    """The two maps of a config."""
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
    }


def write_classifier(
    folder: Path, labels: Sequence[str] = SUPERB, kind: str = "Wav2Vec2", **sizes: Any
) -> Original:
    """A class of transformers for audio classification, with its feature extractor."""
    torch.manual_seed(0)
    config = getattr(hf, f"{kind}Config")(**SIZES | sizes, **names(labels))
    model = getattr(hf, f"{kind}ForSequenceClassification")(config).eval()
    model.save_pretrained(folder)
    extractor = hf.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    extractor.save_pretrained(folder)

    def original(waveform: np.ndarray) -> np.ndarray:
        inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
        with torch.inference_mode():
            return model(inputs["input_values"]).logits[0].numpy()

    return original


def write_dense(
    folder: Path, labels: Sequence[str] = ("arousal", "dominance", "valence")
) -> Original:
    """audEERING's: mean of the frames -> linear -> tanh -> linear."""
    torch.manual_seed(0)
    config = hf.Wav2Vec2Config(**SIZES, **names(labels), pooling_mode="mean")
    config.architectures = ["Wav2Vec2ForSpeechClassification"]
    encoder = hf.Wav2Vec2Model(config).eval()
    dense, out = nn.Linear(32, 32), nn.Linear(32, len(labels))
    encoder.save_pretrained(folder)
    state = {f"wav2vec2.{name}": tensor for name, tensor in encoder.state_dict().items()}
    for name, layer in {"dense": dense, "out_proj": out}.items():
        state |= {f"classifier.{name}.{key}": value for key, value in layer.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    written = json.loads((folder / "config.json").read_text())
    written["architectures"] = ["Wav2Vec2ForSpeechClassification"]
    (folder / "config.json").write_text(json.dumps(written))
    extractor = hf.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    extractor.save_pretrained(folder)

    def original(waveform: np.ndarray) -> np.ndarray:
        values = extractor(waveform, sampling_rate=16_000, return_tensors="pt")["input_values"]
        with torch.inference_mode():
            mean = encoder(values).last_hidden_state.mean(dim=1)
            return out(torch.tanh(dense(mean)))[0].numpy()

    return original


def write_odyssey(folder: Path, labels: Sequence[str] = ("Angry", "Sad", "Happy")) -> Original:
    """Odyssey 2024's WavLM under its published tensor names, in a file that torch has saved."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {key: value for key, value in SIZES.items() if key != "classifier_proj_size"}
    config = hf.WavLMConfig(**sizes, feat_extract_norm="layer", do_stable_layer_norm=True)
    encoder = hf.WavLMModel(config).eval()
    attention, weights = nn.Linear(32, 32), torch.randn(32, 1)
    hidden, norm, out = nn.Linear(64, 24), nn.LayerNorm(24), nn.Linear(24, len(labels))
    state = {f"ssl_model.{_old(name)}": tensor for name, tensor in encoder.state_dict().items()}
    state["pool_model.attention"] = weights
    places = {
        "pool_model.sap_linear": attention,
        "ser_model.fc.0.0": hidden,
        "ser_model.fc.0.1": norm,
        "ser_model.out.0": out,
    }
    for place, layer in places.items():
        state |= {f"{place}.{key}": value for key, value in layer.state_dict().items()}
    torch.save(state, folder / "pytorch_model.bin")
    facts = {
        "model_type": "ser",
        "architectures": ["SERModel"],
        "auto_map": {"AutoModelForAudioClassification": "pipeline_utils.SERModel"},
        "classifier_hidden_layers": 1,
        "mean": -8.3e-05,
        "std": 0.09,
        **names(labels),
    }
    (folder / "config.json").write_text(json.dumps(facts))

    def original(waveform: np.ndarray) -> np.ndarray:
        values = torch.from_numpy((waveform + 8.3e-05) / (0.09 + 1e-6))[None].float()
        with torch.inference_mode():
            frames = encoder(values, attention_mask=torch.ones_like(values)).last_hidden_state
            share = (attention(frames).tanh() @ weights).softmax(dim=1)
            mean = (frames * share).sum(dim=1)
            deviation = ((frames**2 * share).sum(dim=1) - mean**2).clamp(min=1e-5).sqrt()
            inner = norm(hidden(torch.cat([mean, deviation], dim=1))).relu()
            return out(inner)[0].numpy()

    return original


def write_emotion2vec(folder: Path, labels: int = 9) -> Original:
    """emotion2vec+ as a folder with model.pt and tokens.txt."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    encoder = Emotion2Vec(1, 64, 3, 1, 1, 96, channels=16, embedding="frames").eval()
    classifier = nn.Linear(64, labels)
    state = published(encoder, 1)
    state |= {f"proj.{key}": value for key, value in classifier.state_dict().items()}
    torch.save({"model": state}, folder / "model.pt")
    words = ["angry", "disgusted", "fearful", "happy", "neutral", "other", "sad", "surprised"]
    lines = [f"x/{word}" for word in words] + ["<unk>"]
    (folder / "tokens.txt").write_text("\n".join(lines))

    def original(waveform: np.ndarray) -> np.ndarray:
        values = torch.from_numpy(waveform)[None]
        values = nn.functional.layer_norm(values, values.shape)
        with torch.inference_mode():
            frames = encoder(Stream(values, torch.ones(values.shape, dtype=torch.bool))).values
            return classifier(frames.mean(dim=1))[0].numpy()

    return original


MELD = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "leave", "me", "alone", "what", "a", "day", "now")


def write_text(
    folder: Path, labels: Sequence[str] = MELD, kind: str = "Bert"
) -> Callable[[str], np.ndarray]:
    """A class of transformers for one text, with a WordPiece tokenizer; text -> answers (label,)."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    tokenizer = hf.BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True)
    tokenizer.save_pretrained(folder)
    sizes = {"vocab_size": len(WORDS), "hidden_size": 24, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 16}
    if kind == "DistilBert":
        sizes = {"vocab_size": len(WORDS), "dim": 24, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
    config = getattr(hf, f"{kind}Config")(**sizes, pad_token_id=0, **names(labels))
    model = getattr(hf, f"{kind}ForSequenceClassification")(config).eval()
    # Zero at first: another start tells a head from none.
    torch.nn.init.normal_(
        model.classifier.bias if kind != "Roberta" else model.classifier.out_proj.bias
    )
    model.save_pretrained(folder)

    def original(text: str) -> np.ndarray:
        with torch.inference_mode():
            return model(**tokenizer(text, return_tensors="pt")).logits[0].numpy()

    return original


def _old(name: str) -> str:
    """The name that a weight-normed convolution's tensors had when these were published."""
    stem = "encoder.pos_conv_embed.conv."
    kinds = {
        f"{stem}parametrizations.weight.original0": f"{stem}weight_g",
        f"{stem}parametrizations.weight.original1": f"{stem}weight_v",
    }
    return kinds.get(name, name)


WRITERS: dict[str, Callable[[Path], Original]] = {
    "wav2vec2": write_classifier,
    "wav2vec2_layer_sum": lambda folder: write_classifier(folder, use_weighted_layer_sum=True),
    "hubert": lambda folder: write_classifier(folder, kind="Hubert"),
    "wavlm": lambda folder: write_classifier(folder, kind="WavLM"),
    "unispeech_sat": lambda folder: write_classifier(folder, kind="UniSpeechSat"),
    "dense": write_dense,
    "odyssey": write_odyssey,
    "emotion2vec": write_emotion2vec,
}
