"""Systems over frozen pretrained encoders: other fusions by one word, statistics side by side."""

from __future__ import annotations

import hydra
import pytest
import torch
from makers.contract_subjects import TASK
from omegaconf import OmegaConf

from mmser.composition import compose
from mmser.core.batch import Stream, empty_context
from mmser.models.multimodal import build_model

CORPUS = ["corpus=generic", "protocol=ravdess8_speaker24"]
SIZES = {"audio": 384, "text": 384, "face": 263}


def built(words: list[str], sizes: dict[str, int]) -> torch.nn.Module:
    config = OmegaConf.create(compose("train", [*words, *CORPUS]))
    parts = hydra.utils.instantiate(config.model, _convert_="all")
    torch.manual_seed(0)
    return build_model(parts["encoders"], parts["fusion"], parts["head"], sizes, TASK).eval()


def stream(*shape: int) -> Stream:
    generator = torch.Generator().manual_seed(sum(shape))
    return Stream(torch.randn(*shape, generator=generator), torch.ones(shape[:2], dtype=torch.bool))


@pytest.mark.parametrize("system", ["speech_text", "speech_text_face"])
@pytest.mark.parametrize("fusion", ["gated", "cross_attention", "mcsan", "concat"])
def test_the_fusion_is_one_word(system: str, fusion: str) -> None:
    names = ("audio", "text", "face")[: 2 if system == "speech_text" else 3]
    model = built([f"system={system}", f"fusion={fusion}"], {name: SIZES[name] for name in names})
    streams = {name: stream(2, 5, SIZES[name]) for name in names}
    with torch.no_grad():
        first = model(streams, empty_context(2)).logits
        other = {**streams, "text": stream(2, 7, 384)}
        second = model(other, empty_context(2)).logits
    assert first.shape == (2, len(TASK.classes))
    assert not torch.allclose(first, second)


def test_statistics_of_three_modalities_stand_side_by_side() -> None:
    sizes = {"audio": 768, "text": 384, "face": 526}
    model = built(["system=statistics_svm_face"], sizes)
    audio, text, face = stream(2, 1, 4, 768), stream(2, 1, 384), stream(2, 1, 526)
    streams = {"audio": audio, "text": text, "face": face}
    with torch.no_grad():
        vector = model(streams, empty_context(2)).vector
    expected = [audio.values.flatten(1), text.values[:, 0], face.values[:, 0]]
    assert vector.shape == (2, 4 * 768 + 384 + 526)
    torch.testing.assert_close(vector, torch.cat(expected, dim=1))


def test_an_absent_face_counts_as_the_mean_of_the_training_split() -> None:
    """Its columns are zero, which after the z-scores of the streams is that mean."""
    sizes = {"audio": 768, "text": 384, "face": 526}
    model = built(["system=statistics_svm_face"], sizes)
    face = stream(1, 1, 526)
    absent = Stream(face.values, torch.zeros_like(face.mask))
    streams = {"audio": stream(1, 1, 4, 768), "text": stream(1, 1, 384), "face": absent}
    with torch.no_grad():
        vector = model(streams, empty_context(1)).vector
    assert vector[0, -526:].eq(0).all()
