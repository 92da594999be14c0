"""A tiny Wav2Vec2ForCTC, or its kin, in a folder with its tokenizer and feature extractor.

`taught` knows that each letter is a tone, so that words lie where one puts them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

LETTERS = "ABDEN"
RATE, FRAME = 16000, 320
TONES = {letter: 500.0 * (number + 1) for number, letter in enumerate(LETTERS)}
_TOKENS = ("<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS)
VOCABULARY = {token: number for number, token in enumerate(_TOKENS)}


def sung(letters: str, seconds: float = 0.1) -> np.ndarray:
    """(sample,) float32: a tone for each letter, a space is silence."""
    time = np.arange(round(seconds * RATE)) / RATE
    pieces = [
        0.3 * np.sin(2 * np.pi * TONES[letter] * time) if letter in TONES else 0.0 * time
        for letter in letters
    ]
    noise = np.random.default_rng(0).normal(0, 1e-4, len(letters) * len(time))
    return (np.concatenate(pieces) + noise).astype(np.float32)


def tiny(network: Any, **sizes: Any) -> Any:
    """A network of the transformers class ``network`` with seeded random weights."""
    import torch

    torch.manual_seed(0)
    usual = {
        "vocab_size": len(VOCABULARY),
        "pad_token_id": 0,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "conv_dim": (32, 32),
        "conv_kernel": (64, 8),
        "conv_stride": (40, 8),
        "num_feat_extract_layers": 2,
        "num_conv_pos_embeddings": 4,
        "num_conv_pos_embedding_groups": 2,
    }
    return network(network.config_class(**{**usual, **sizes})).eval()


def saved(model: Any, folder: Path) -> Path:
    """Write the network with the vocabulary of this file."""
    from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(VOCABULARY))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def taught(folder: Path) -> Path:
    """A Wav2Vec2ForCTC that spells `sung` letters, a blank where it is silent.

    Its last layer alone is fitted, by least squares, to a random network that looks at frames.
    """
    import torch
    from transformers import Wav2Vec2ForCTC

    model = tiny(Wav2Vec2ForCTC, hidden_size=64, conv_dim=(64, 64))
    drawn = np.random.default_rng(1)
    letters = [str(letter) for letter in drawn.choice([*LETTERS, " "], 200)]
    with torch.no_grad():
        states = model.wav2vec2(torch.from_numpy(sung("".join(letters)))[None])[0][0]
        owner = (np.arange(len(states)) * FRAME / RATE / 0.1).astype(int).clip(max=len(letters) - 1)
        columns = torch.tensor([VOCABULARY.get(letters[row], 0) for row in owner])
        wanted = 10.0 * torch.nn.functional.one_hot(columns, len(VOCABULARY)).float()
        with_bias = torch.cat([states, torch.ones(len(states), 1)], dim=1)
        fitted = torch.linalg.lstsq(with_bias, wanted).solution
        model.lm_head.weight.copy_(fitted[:-1].T)
        model.lm_head.bias.copy_(fitted[-1])
    return saved(model, folder)
