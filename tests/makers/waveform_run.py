"""Settings of a small system that fine-tunes a speech encoder on waveforms, and their cache."""

import numpy as np

from makers.sound_run import sound
from makers.trained_run import CLASSES, make_settings, write_cache, write_store
from mmser.cache.fingerprint import recipe_of
from mmser.core.clip import Features
from mmser.extractors.audio.waveform import Waveform

TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
"""Sizes of a network of the wav2vec 2.0 family."""


def write_waveforms(folder, utterances=36):
    """The cache of `trained_run` with the stream ``waveform``: a class is a pitch."""
    write_cache(folder / "cache", utterances)
    sounds = {}
    for i in range(utterances):
        values = sound(CLASSES[i % 3], 0.15 + 0.005 * (i % 5))
        noise = np.random.default_rng(i).normal(size=len(values)).astype("f4")
        sounds[f"u{i:02d}"] = Features(values + 0.05 * noise, frame_rate=16000.0)
    write_store(folder / "cache", recipe_of("waveform", Waveform()), sounds)


def waveform_settings(folder, run="run", **changes):
    """Settings over that cache with a tiny WavLM; ``encoder`` changes its arguments."""
    encoder = {
        "_target_": "mmser.models.encoders.audio.speech_finetune.encoder.SpeechFinetune",
        "_partial_": True,
        "weights": "random",
        "model_type": "wavlm",
        "configuration": TINY,
        "freeze_convolutions": False,
        **changes.pop("encoder", {}),
    }
    made = make_settings(folder / "cache", folder / run, **{"folds": ["s0"]} | changes)
    made["model"] = {**made["model"], "encoders": {"voice": encoder}}
    made["streams"] = {"voice": {"extractor": "waveform", "size": 1}}
    made["optimizer"] = {**made["optimizer"], "lr": 0.003}
    return made
