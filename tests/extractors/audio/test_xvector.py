"""X-vectors: transformers' own of each utterance, alone and in a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from makers.clips import speechlike

from mmser.core.clip import Clip
from mmser.extractors.audio.xvector import XVector

SMALL: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48,
    "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
    "tdnn_dim": (24, 24, 24, 24, 40), "xvector_output_dim": 20,
}  # fmt: skip
STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
CLIPS = [Clip(f"c{n}", speechlike(seconds, n)) for n, seconds in enumerate((0.9, 0.5, 0.7))]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("options", [{}, STABLE])
@pytest.mark.parametrize("kind", ["WavLM", "Wav2Vec2"])
def test_a_vector_is_the_originals(kind: str, options: Any, weighted: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = getattr(hf, f"{kind}Config")(**SMALL, **options, use_weighted_layer_sum=weighted)
    network = getattr(hf, f"{kind}ForXVector")(config).eval()
    if weighted:
        torch.nn.init.normal_(network.layer_weights)
    network.save_pretrained(tmp_path)
    options = {"weights": str(tmp_path), "size": 20, "device": "cpu"}
    for batch_seconds in (None, 100.0):
        made = XVector(**options, batch_seconds=batch_seconds)
        for clip, found in zip(CLIPS, made.extract(CLIPS), strict=True):
            with torch.inference_mode():
                expected = network(torch.from_numpy(clip.waveform)[None]).embeddings.numpy()
            np.testing.assert_allclose(found.values, expected, atol=1e-5, rtol=1e-4)
            np.testing.assert_allclose(found.spans, [[0, len(clip.waveform) / 16_000]], rtol=1e-6)


def test_too_short_for_the_time_delays_is_followed_by_silence() -> None:
    made = XVector(weights="random", size=20, device="cpu")
    short, longer = made.extract([Clip("s", CLIPS[0].waveform[:900]), CLIPS[0]])
    padded = np.pad(CLIPS[0].waveform[:900], (0, 4300))
    assert made._shortest == 5200
    np.testing.assert_allclose(made.extract([Clip("p", padded)])[0].values, short.values, atol=1e-6)
    assert not np.allclose(short.values, longer.values, atol=1e-4)
