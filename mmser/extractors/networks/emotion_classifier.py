"""Published emotion recognisers of speech, each as one network with the labels it answers.

Four kinds are told apart by their files: classifiers of transformers (SUPERB's among them),
audEERING's dense head over wav2vec 2.0 and its kin, Odyssey 2024's WavLM, and emotion2vec+. No code
of theirs is run: what transformers has no class for is built here and filled with their tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmser.core.batch import Stream
from mmser.core.clip import SAMPLE_RATE
from mmser.core.errors import MmserError, reason_of
from mmser.extractors.networks.devices import place_of
from mmser.extractors.networks.emotion_heads import AttentiveStatisticsHead, DenseTanhHead
from mmser.extractors.networks.emotion_labels import (
    checkpoint_facts,
    emotion2vec_file,
    weights_file,
)
from mmser.extractors.spectral.level import levelled
from mmser.models.layers.attention.gated_positions import with_fused_attention
from mmser.models.layers.checkpoints.pretrained import read_network
from mmser.models.layers.checkpoints.tensors import load_tensors, read_tensors

_REMEDY = "Download it again, or name a checkpoint of another kind (docs/judges.md)."
_MASKED = ("masked_spec_embed",)
"""What hides frames in training: a checkpoint or its network may lack it."""
_SPEECH = ("wav2vec2", "hubert", "wavlm", "unispeech-sat", "data2vec-audio")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a network says of one clip: the ``vector`` its head reads, and its ``answers``.

    (size,) and (label,) float32 each: logits of classes, or values.
    """

    vector: np.ndarray
    answers: np.ndarray


class EmotionClassifier(nn.Module):
    """``encoder`` (frames or a vector) and ``head`` (vector -> answers), clip by clip.

    ``read`` turns a waveform into the encoder's arguments, ``pool`` the encoder's answer into a
    vector (1, size). Of longer sound than ``longest`` samples the feature extractor takes the start
    alone (None: it takes all).
    """

    def __init__(self, encoder: nn.Module, head: nn.Module, read: Any, pool: Any) -> None:
        super().__init__()
        self.encoder, self.head = with_fused_attention(encoder), head
        self.read, self.pool = read, pool
        self.longest: int | None = None

    def judged(self, waveform: np.ndarray) -> Answer:
        """Waveform (sample,) at 16 kHz -> the answer. A clip by itself: nothing is padded."""
        device, dtype = place_of(self)
        arguments = {name: _moved(value, device, dtype) for name, value in self.read(waveform)}
        with torch.inference_mode():
            vector = self.pool(self.encoder(**arguments))
            answers = self.head(vector)
        return Answer(vector[0].float().cpu().numpy(), answers[0].float().cpu().numpy())


def read_emotion_classifier(path: Path) -> EmotionClassifier:
    """The recogniser in a folder (or file) of weights.

    Raises MmserError where it is of no kind that is known here, damaged, or lacks a tensor.
    """
    facts = checkpoint_facts(path)
    if facts.modality != "audio":
        raise MmserError(
            f"an emotion recogniser of speech in {path}",
            f"one of {facts.modality}",
            "Judge it with model=..., or take an extractor of that modality.",
        )
    readers = {
        "transformers": _from_transformers,
        "dense": _dense,
        "odyssey": _odyssey,
        "emotion2vec": _emotion2vec,
    }
    try:
        return readers[facts.kind](path, facts.config, len(facts.labels))
    except (KeyError, TypeError, ValueError) as error:
        raise MmserError(
            f"the tensors of an emotion recogniser ({facts.kind}) in {path}",
            f"no {reason_of(error)}",
            _REMEDY,
        ) from error


def new_emotion_classifier(labels: int) -> EmotionClassifier:
    """A small wav2vec 2.0 classifier with random weights."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor
    from transformers import Wav2Vec2ForSequenceClassification as Classifier

    config = Wav2Vec2Config(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        conv_dim=(32,) * 7,
    )
    config.num_labels = labels
    return _split(Classifier(config), Wav2Vec2FeatureExtractor())


def _from_transformers(path: Path, config: Mapping[str, Any], labels: int) -> EmotionClassifier:
    from transformers import AutoModelForAudioClassification

    model = read_network(AutoModelForAudioClassification, path, (), _REMEDY)
    return _split(model, _feature_extractor(path))


def _split(model: Any, feature_extractor: Any) -> EmotionClassifier:
    """A classifier of transformers, cut before its last piece.

    With nothing in its place the model answers the vector that the piece would have read.
    """
    head = model.classifier
    model.classifier = nn.Identity()
    classifier = EmotionClassifier(model, head, _inputs_of(feature_extractor), _logits)
    classifier.longest = getattr(feature_extractor, "n_samples", None)
    return classifier


def _dense(path: Path, config: Mapping[str, Any], labels: int) -> EmotionClassifier:
    pooling, kind = config.get("pooling_mode", "mean"), config.get("model_type")
    if pooling != "mean" or kind not in _SPEECH:
        raise MmserError(
            f"pooling_mode mean over the frames of {', '.join(_SPEECH)} in {path}",
            f"{pooling} over {kind}",
            _REMEDY,
        )
    own: dict[str, Tensor] = {}
    encoded: dict[str, Tensor] = {}
    for name, tensor in read_tensors(weights_file(path)).items():
        room, _, rest = name.partition(".")
        if room == "classifier":
            own[rest] = tensor
        else:
            # The encoder's room has the name of its kind.
            encoded[_today(rest)] = tensor
    inner_size, size = own["dense.weight"].shape
    head = DenseTanhHead(size, inner_size, labels)
    load_tensors(head, own, "a dense head over speech frames", path, _REMEDY)
    encoder = _encoder_of(path)
    load_tensors(encoder, encoded, f"a {kind}", path, _REMEDY, _MASKED, _MASKED)
    return EmotionClassifier(encoder, head, _inputs_of(_feature_extractor(path)), _mean_of_frames)


def _encoder_of(path: Path) -> nn.Module:
    """The encoder as large as config.json says, its weights yet to be read."""
    from transformers import AutoConfig, AutoModel

    network: nn.Module = AutoModel.from_config(
        AutoConfig.from_pretrained(path, local_files_only=True)
    )
    return network


def _odyssey(path: Path, config: Mapping[str, Any], labels: int) -> EmotionClassifier:
    tensors = read_tensors(weights_file(path))
    own: dict[str, Tensor] = {}
    wavlm: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        room, _, rest = name.partition(".")
        if room == "ssl_model":
            wavlm[_today(rest)] = tensor
        else:
            # ser_model.out is a sequence of one layer.
            place = rest.replace("out.0.", "out.") if room == "ser_model" else rest
            own[place if room in ("pool_model", "ser_model") else name] = tensor
    size = len(own["attention"])
    layers = len([name for name in own if name.startswith("fc.") and name.endswith(".0.weight")])
    inner_size = own["out.weight"].shape[1]
    head = AttentiveStatisticsHead(size, inner_size, layers, labels)
    load_tensors(head, own, "an Odyssey 2024 head", path, _REMEDY)
    encoder = _wavlm(wavlm)
    load_tensors(encoder, wavlm, "a WavLM", path, _REMEDY, _MASKED, _MASKED)
    mean, deviation = float(config["mean"]), float(config["std"]) + 1e-6

    def read(waveform: np.ndarray) -> list[tuple[str, Tensor]]:
        """The level of all of the training corpus, not of the clip."""
        return [("input_values", torch.from_numpy((waveform - mean) / deviation)[None].float())]

    def pool(output: Any) -> Tensor:
        return head.pooled(output.last_hidden_state)

    return EmotionClassifier(encoder, head, read, pool)


def _wavlm(tensors: Mapping[str, Tensor]) -> nn.Module:
    """A WavLM as large as its tensors say; strides and kernels are those of every published one."""
    from transformers import WavLMConfig, WavLMModel

    convolutions = sorted(name for name in tensors if name.endswith(".conv.weight"))
    convolutions = [name for name in convolutions if name.startswith("feature_extractor.")]
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layers.")}
    buckets, heads = tensors["encoder.layers.0.attention.rel_attn_embed.weight"].shape
    positions = tensors["encoder.pos_conv_embed.conv.parametrizations.weight.original1"]
    is_large = "feature_extractor.conv_layers.1.layer_norm.weight" in tensors
    size = len(positions)
    config = WavLMConfig(
        hidden_size=size,
        num_hidden_layers=len(layers),
        num_attention_heads=heads,
        intermediate_size=len(tensors["encoder.layers.0.feed_forward.intermediate_dense.weight"]),
        conv_dim=[len(tensors[name]) for name in convolutions],
        conv_bias="feature_extractor.conv_layers.0.conv.bias" in tensors,
        feat_extract_norm="layer" if is_large else "group",
        do_stable_layer_norm=is_large,
        num_conv_pos_embeddings=positions.shape[2],
        num_conv_pos_embedding_groups=size // positions.shape[1],
        num_buckets=buckets,
    )
    return WavLMModel(config)


def _emotion2vec(path: Path, config: Mapping[str, Any], labels: int) -> EmotionClassifier:
    from mmser.models.encoders.audio.emotion2vec.encoder import from_checkpoint

    file = emotion2vec_file(path)
    encoder = from_checkpoint(file, embedding="mean")
    tensors = {
        name.rpartition("proj.")[2]: tensor
        for name, tensor in read_tensors(file).items()
        if name in ("proj.weight", "proj.bias", "model.proj.weight", "model.proj.bias")
    }
    head = nn.Linear(encoder.output_size, labels)
    load_tensors(head, tensors, "the classifier of emotion2vec+", file, _REMEDY)
    return EmotionClassifier(encoder, head, _as_stream, _only_step)


def _as_stream(waveform: np.ndarray) -> list[tuple[str, Stream]]:
    values = torch.from_numpy(levelled(waveform, "zscore"))[None]
    return [("stream", Stream(values, torch.ones(values.shape, dtype=torch.bool)))]


def _inputs_of(feature_extractor: Any) -> Any:
    def read(waveform: np.ndarray) -> list[tuple[str, Tensor]]:
        """What the checkpoint's own feature extractor makes of the clip."""
        inputs = feature_extractor(waveform, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        return list(inputs.items())

    return read


def _feature_extractor(path: Path) -> Any:
    from transformers import AutoFeatureExtractor

    try:
        found = AutoFeatureExtractor.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MmserError(
            f"a feature extractor (preprocessor_config.json) in {path}",
            " ".join(str(error).split())[:200],
            "Download the folder whole.",
        ) from error
    rate = getattr(found, "sampling_rate", None)
    if rate != SAMPLE_RATE:
        raise MmserError(f"a checkpoint for {SAMPLE_RATE} Hz in {path}", f"{rate} Hz", _REMEDY)
    return found


def _today(name: str) -> str:
    """The present name of a weight-normed convolution's two tensors."""
    kinds = {"weight_g": "original0", "weight_v": "original1"}
    stem, _, last = name.rpartition(".")
    return f"{stem}.parametrizations.weight.{kinds[last]}" if last in kinds else name


def _logits(output: Any) -> Tensor:
    vector: Tensor = output.logits
    return vector


def _mean_of_frames(output: Any) -> Tensor:
    mean: Tensor = output.last_hidden_state.mean(dim=1)
    return mean


def _only_step(output: Stream) -> Tensor:
    return output.values[:, 0]


def _moved(value: Any, device: torch.device, dtype: torch.dtype) -> Any:
    is_number = isinstance(value, Stream) or value.is_floating_point()
    return value.to(device, dtype) if is_number else value.to(device)
