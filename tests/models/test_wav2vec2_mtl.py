"""The system wav2vec2_mtl as its configs compose it, in its small twin: frames, pooling, transcript, overfit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hydra.utils import instantiate

from mmser.composition import compose
from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.task import Task
from mmser.models.fusion.concat import Concat
from mmser.models.multimodal import MultimodalModel, build_model

TASK = Task(classes=("neutral", "happy", "angry", "sad"), class_counts=(2, 2, 2, 2))


def settings(*words: str) -> dict[str, Any]:
    return compose("train", ["system=wav2vec2_mtl_small", "corpus=generic", "protocol=ravdess8_group4", *words])


def made(config: dict[str, Any]) -> tuple[MultimodalModel, Any]:
    torch.manual_seed(0)
    parts = instantiate(config["model"], _convert_="all")
    model = build_model(parts["encoders"], parts["fusion"], parts["head"], {"audio": 1, "characters": 1}, TASK)
    return model, instantiate(config["objective"], _convert_="all")(task=TASK, vector_size=model.vector_size)


def clips(rows: int, samples: int) -> dict[str, Stream]:
    """A tone per row, its class by pitch, and its three characters."""
    time = torch.arange(samples) / 16_000
    pitch = 200.0 * 2.0 ** (torch.arange(rows) % 4)
    tones = torch.sin(2 * torch.pi * pitch[:, None] * time) * 1.4
    tones = tones + 0.1 * torch.randn(rows, samples, generator=torch.Generator().manual_seed(1))
    spoken = torch.stack(
        [torch.arange(rows) % 4 + 2, torch.ones(rows, dtype=torch.long), torch.arange(rows) % 3 + 7], 1
    )
    ones = torch.ones(rows, samples, dtype=torch.bool)
    return {"audio": Stream(tones, ones), "characters": Stream(spoken, torch.ones(rows, 3, dtype=torch.bool))}


def test_three_seconds_are_149_frames_of_32_symbols() -> None:
    model, objective = made(settings())
    streams = clips(2, 48_000)
    outputs = model.eval()(streams, empty_context(2))
    assert outputs.logits.shape == (2, 4)
    assert objective.terms[1].logits(outputs.encoded["audio"]).shape == (2, 149, 32)


def test_the_model_does_not_need_the_transcript() -> None:
    model, _ = made(settings())
    streams = clips(2, 8_000)
    with_it = model.eval()(streams, empty_context(2))
    torch.testing.assert_close(model({"audio": streams["audio"]}, empty_context(2)).logits, with_it.logits)


def test_duplicated_frames_leave_the_mean_and_double_the_sum() -> None:
    values, mask = torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool)
    once, twice = Stream(values, mask), Stream(values.repeat(1, 2, 1), mask.repeat(1, 2))
    for pooling, factor in (("mean", 1.0), ("sum", 2.0)):
        pool = Concat({"audio": 8}, pooling=pooling)  # type: ignore[arg-type]
        before, after = (pool({"audio": s}, empty_context(2)).vector for s in (once, twice))
        torch.testing.assert_close(after, factor * before)


def test_the_configs_say_what_the_paper_trains() -> None:
    published = compose("train", ["system=wav2vec2_mtl", "corpus=generic", "protocol=ravdess8_group4"])
    assert published["data"]["batch_size"] * published["trainer"]["accumulate"] == 8
    assert published["optimizer"]["lr"] == 5e-5 and published["objective"]["weights"]["transcript"] == 0.1
    assert published["model"]["encoders"]["audio"]["freeze_convolutions"] is False
    alone = settings("experiment=wav2vec2_mtl_alpha0")
    assert alone["optimizer"]["lr"] == 1e-5 and alone["objective"]["weights"]["transcript"] == 0.0


@pytest.mark.parametrize("alpha", [0.1])
def test_eight_clips_are_learnt_and_understood_better(alpha: float) -> None:
    model, objective = made(settings(f"objective.weights.transcript={alpha}"))
    batch = Batch(tuple("abcdefgh"), clips(8, 1_600), empty_context(8), {"emotion": torch.arange(8) % 4})
    optimizer = torch.optim.Adam([*model.parameters(), *objective.parameters()], lr=3e-3)
    model.eval()  # no dropout
    recognition = []
    for _ in range(45):
        losses = objective(model, batch)
        recognition.append(float(losses["transcript.ctc"].detach()))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert model(batch.streams, batch.context).logits.argmax(1).equal(batch.targets["emotion"])
    assert recognition[-1] < 0.5 * recognition[0]
