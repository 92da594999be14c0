"""Every family of speech encoders through its own class: transformers' numbers, or one error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from makers.clips import speechlike
from makers.speech_checkpoints import FAMILIES, LAYERS, SIZE, save_speech_checkpoint
from safetensors.torch import load_file, save_file
from transformers import AutoFeatureExtractor

from mmser.core.clip import Clip
from mmser.core.errors import MmserError
from mmser.extractors.audio.wav2vec2 import Wav2Vec2
from mmser.models.layers.time.filter_bank import FilterBank

SECONDS = (0.61, 0.3, 0.45)
SQUEEZED = ("sew", "sew-d")
"""Their layers run at half the rate of their frames, and are no stream of one rate."""


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def extractor(folder: Path, **changes: Any) -> Wav2Vec2:
    options = {"weights": str(folder), "size": SIZE, "device": "cpu", "level": "checkpoint"}
    return Wav2Vec2(**{**options, **changes})


def clips() -> list[Clip]:
    return [Clip(f"c{n}", speechlike(seconds, n)) for n, seconds in enumerate(SECONDS)]


def originals(network: Any, folder: Path, clip: Clip, every: bool) -> np.ndarray:
    """(time, layer, size) of transformers' own encoder and feature extractor, or of its last."""
    encoder = getattr(network, "wav2vec2", network)
    own = AutoFeatureExtractor.from_pretrained(folder)
    inputs = own(clip.waveform, sampling_rate=16_000, return_tensors="pt")
    with torch.inference_mode():
        output = encoder(**inputs, output_hidden_states=True)
    inner = output.hidden_states[:-1] if every else ()
    layers = torch.stack([*inner, output.last_hidden_state], dim=2)[0]
    count = layers.shape[0]
    if "input_features" in inputs:
        count = int(inputs["attention_mask"].sum())
    return layers[:count].numpy()


def test_the_layers_are_the_originals_and_a_batch_changes_nothing(
    family: str, tmp_path: Path
) -> None:
    network = save_speech_checkpoint(family, tmp_path)
    for layer, count in (("all", LAYERS + 1), (-1, 1)):
        if layer == "all" and family in SQUEEZED:
            continue
        made = extractor(tmp_path, layer=layer, batch_seconds=100.0)
        for clip, batched in zip(clips(), made.extract(clips()), strict=True):
            expected = originals(network, tmp_path, clip, layer == "all")
            assert expected.shape[1:] == (count, SIZE)
            alone = made.extract([clip])[0].values.reshape(expected.shape)
            np.testing.assert_allclose(alone, expected, atol=1e-5)
            np.testing.assert_allclose(batched.values.reshape(alone.shape), alone, atol=1e-5)


def test_log_mel_frames_made_on_the_device_are_the_checkpoints_own(tmp_path: Path) -> None:
    save_speech_checkpoint("wav2vec2-bert", tmp_path)
    heard = [*clips(), Clip("short", clips()[0].waveform[:300])]
    made, there = (extractor(tmp_path, level="zscore", batch_seconds=100.0) for _ in range(2))
    vars(there)["_filter_bank"] = FilterBank()  # as on a GPU
    for expected, found in zip(made.extract(heard), there.extract(heard), strict=True):
        np.testing.assert_allclose(found.values, expected.values, atol=2e-4)


def test_statistics_are_those_of_the_frames_of_every_layer(family: str, tmp_path: Path) -> None:
    save_speech_checkpoint(family, tmp_path)
    layer, shape = ("all", (1, LAYERS + 1, 2 * SIZE))
    if family in SQUEEZED:
        layer, shape = (-1, (1, 2 * SIZE))
    frames = extractor(tmp_path, layer=layer).extract(clips())
    made = extractor(tmp_path, layer=layer, statistics=True)
    assert (made.dtype, made.feature_size) == ("float32", 2 * SIZE)
    for clip, every, found in zip(clips(), frames, made.extract(clips()), strict=True):
        assert found.values.shape == shape
        mean, deviation = every.values.mean(axis=0), every.values.std(axis=0)
        np.testing.assert_allclose(found.values[0, ..., :SIZE], mean, atol=1e-5)
        np.testing.assert_allclose(found.values[0, ..., SIZE:], deviation, atol=1e-5)
        np.testing.assert_allclose(found.spans, [[0, len(clip.waveform) / 16_000]], rtol=1e-6)


HEADS = {
    "wav2vec2": "Wav2Vec2ForPreTraining", "wav2vec2 with layer norm": "Wav2Vec2ForCTC",
    "hubert": "HubertForSequenceClassification", "wavlm": "WavLMForXVector",
    "data2vec-audio": "Data2VecAudioForCTC", "unispeech": "UniSpeechForPreTraining",
    "unispeech-sat": "UniSpeechSatForPreTraining", "wav2vec2-bert": "Wav2Vec2BertForCTC",
}  # fmt: skip
"""Networks of the tasks that published checkpoints were saved with."""


@pytest.mark.parametrize("family", HEADS)
def test_the_heads_of_a_published_checkpoint_are_left_out(family: str, tmp_path: Path) -> None:
    """Its file may be torch's, under the names that norms of weights had before torch 2.1."""
    config = save_speech_checkpoint(family, tmp_path).config
    config.vocab_size = 12
    torch.manual_seed(1)
    network = getattr(transformers, HEADS[family])(config).eval()
    network.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    norm = "parametrizations.weight.original"
    older = {
        name.replace(f"{norm}0", "weight_g").replace(f"{norm}1", "weight_v"): tensor
        for name, tensor in tensors.items()
    }
    (tmp_path / "model.safetensors").unlink()
    torch.save(older, tmp_path / "pytorch_model.bin")
    (found,) = extractor(tmp_path).extract(clips()[:1])
    expected = originals(network.base_model, tmp_path, clips()[0], False)[:, 0]
    np.testing.assert_allclose(found.values, expected, atol=1e-5)


def changed(folder: Path, remove: str | None = None, add: str | None = None) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    if remove is not None:
        named = [name for name in tensors if remove in name and name.endswith("weight")]
        del tensors[named[0]]
    if add is not None:
        tensors[add] = torch.ones(3)
    save_file(tensors, path, metadata={"format": "pt"})


def test_a_missing_and_an_unexpected_parameter_are_refused(family: str, tmp_path: Path) -> None:
    save_speech_checkpoint(family, tmp_path / "less")
    changed(tmp_path / "less", remove="encoder")
    with pytest.raises(MmserError, match=r"found no \S*encoder"):
        extractor(tmp_path / "less").extract(clips()[:1])
    save_speech_checkpoint(family, tmp_path / "more")
    changed(tmp_path / "more", add="encoder.layers.0.invented.weight")
    with pytest.raises(MmserError, match=r"found no place for .*invented\.weight"):
        extractor(tmp_path / "more").extract(clips()[:1])


@pytest.mark.parametrize(
    ("wanted", "family"),
    [("wav2vec2", "wavlm"), ("wavlm", "hubert"), ("hubert", "data2vec-audio"),
     ("unispeech-sat", "wavlm"), ("wav2vec2-bert", "wav2vec2"), ("wav2vec2", "wav2vec2-bert")],
)  # fmt: skip
def test_another_network_is_refused_by_its_name(wanted: str, family: str, tmp_path: Path) -> None:
    save_speech_checkpoint(family, tmp_path)
    expected = rf"a checkpoint of {wanted} in .*; found model_type {family}"
    with pytest.raises(MmserError, match=expected):
        extractor(tmp_path, model_type=wanted).extract(clips()[:1])


def test_an_unknown_model_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MmserError, match=r"model_type wav2vec2, .*; found 'bert'"):
        extractor(tmp_path, model_type="bert")
    save_speech_checkpoint("wavlm", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "whisper"}))
    with pytest.raises(MmserError, match=r"wav2vec2 or .*; found model_type whisper"):
        extractor(tmp_path).extract(clips()[:1])


@pytest.mark.parametrize("family", SQUEEZED)
def test_layers_of_a_lower_rate_are_refused(family: str, tmp_path: Path) -> None:
    save_speech_checkpoint(family, tmp_path)
    with pytest.raises(MmserError, match=rf"layer=-1 for {family}, .*; found layer=1"):
        extractor(tmp_path, layer=1).extract(clips()[:1])


def test_convolutions_behind_the_encoder_are_refused(tmp_path: Path) -> None:
    save_speech_checkpoint("wav2vec2-bert", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"add_adapter": True}))
    with pytest.raises(MmserError, match=r"found no .*adapter|50 frames a second"):
        extractor(tmp_path).extract(clips()[:1])


def test_the_level_is_the_checkpoints(tmp_path: Path) -> None:
    """Loud sound changes the frames only where the checkpoint does not normalise it."""
    for normalised in (True, False):
        save_speech_checkpoint("wavlm", tmp_path, do_normalize=normalised)
        made = extractor(tmp_path)
        soft = Clip("soft", clips()[0].waveform / 50)
        one, other = (each.values for each in made.extract([clips()[0], soft]))
        assert np.allclose(one, other, atol=1e-3) == normalised
    (tmp_path / "preprocessor_config.json").unlink()
    with pytest.raises(MmserError, match=r"a preprocessor_config\.json of a speech encoder in"):
        extractor(tmp_path).extract(clips()[:1])
    assert extractor(tmp_path, level="zscore").extract(clips()[:1])[0].values.shape[1] == SIZE


def test_later_arguments_leave_older_fingerprints_as_they_were(tmp_path: Path) -> None:
    save_speech_checkpoint("wavlm", tmp_path)
    before = set(extractor(tmp_path, model_type="wavlm").parameters())
    assert not before & {"statistics", "model_type"}
    assert set(extractor(tmp_path, statistics=True).parameters()) - before == {"statistics"}
