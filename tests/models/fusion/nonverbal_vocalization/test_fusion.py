"""Acceptance checks of the nonverbal-vocalization system: segments, pooling, turns, stages,
overfit.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from makers.steps import losses_of
from torch.nn import functional as F

from mmser.composition import compose
from mmser.core.batch import Batch, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.sequence.identity import Identity
from mmser.models.fusion.nonverbal_vocalization.fusion import NonverbalVocalization
from mmser.models.fusion.nonverbal_vocalization.masked_resnet import MaskedResNet
from mmser.models.fusion.nonverbal_vocalization.turn_reader import TurnReader
from mmser.models.heads.classifier import Classifier
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.objectives.losses.segment_extractors import SegmentExtractors
from mmser.objectives.losses.turn import TurnCrossEntropy
from mmser.runs.training_stages import list_stages

TASK = Task(tuple("abcdefg"), class_counts=(1,) * 7)
SIZES = {"audio": 8, "segments": 3}


def turns(*ends: list[int], time: int = 0) -> dict[str, Stream]:
    """Noise cut at these frames, at one frame per second; kinds 1 and 2 in turn."""
    lengths = torch.tensor([row[-1] for row in ends])
    mask = torch.arange(max(time, int(lengths.max()))) < lengths[:, None]
    values = torch.full((len(ends), mask.shape[1], 8), float("nan"))
    for row, length in enumerate(lengths.tolist()):
        values[row, :length] = torch.randn(length, 8, generator=torch.Generator().manual_seed(row))
    segments = torch.full((len(ends), max(map(len, ends)), 3), float("nan"))
    for row, edges in enumerate(ends):
        for place, (first, last) in enumerate(zip([0, *edges], edges, strict=False)):
            segments[row, place] = torch.tensor([first, last, 1 + place % 2])
    return {"audio": Stream(values, mask), "segments": Stream(segments, ~segments[..., 0].isnan())}


def made(sizes: dict[str, int] = SIZES, classes: Task = TASK, **options: Any) -> MultimodalModel:
    torch.manual_seed(0)
    options = {"width": 2, "hidden_size": 6, "frame_rate": 1.0, **options}
    encoders = dict.fromkeys(sizes, Identity)
    return build_model(
        encoders, functools.partial(NonverbalVocalization, **options), Classifier, sizes, classes
    )


def test_the_published_counts_and_shapes() -> None:
    with torch.device("meta"):
        body = MaskedResNet().eval()
        assert sum(p.numel() for p in body.parameters()) == 11_167_680
        whole = made({"audio": 1025, "segments": 3}, width=64, hidden_size=128)
        assert sum(p.numel() for p in whole.parameters()) == pytest.approx(23_723_286, rel=0.02)
        alone = TurnReader(512, 128)
        assert sum(p.numel() for p in alone.parameters()) + 903 == pytest.approx(856_456, rel=0.02)
        out = body(torch.zeros(1, 100, 1025), torch.ones(1, 100, dtype=torch.bool))
    assert out.shape == (1, 512)


def test_a_turn_of_five_segments_has_five_predictions() -> None:
    model = made().eval()
    outputs = model(turns([3, 6, 9, 12, 20]), empty_context(1), need_attention=True)
    assert model.head(outputs.sequence.values)[0].shape == (1, 5, 7)
    torch.testing.assert_close(outputs.attention["segments"].sum(dim=1), torch.ones(1))
    single = model(turns([20]), empty_context(1), need_attention=True)
    assert single.attention["segments"].tolist() == [[1.0]]


def test_a_segments_embedding_is_that_of_its_frames_alone() -> None:
    model = made(sequence=False).eval()
    streams = turns([5, 9, 30], [12])
    found = model(streams, empty_context(2)).sequence
    assert found.mask.tolist() == [[True] * 3, [True, False, False]]
    for row, place, first, last in [(0, 0, 0, 5), (0, 1, 5, 9), (0, 2, 9, 30), (1, 0, 0, 12)]:
        part = streams["audio"].values[row : row + 1, first:last]
        mask = torch.ones(1, last - first, dtype=torch.bool)
        alone = torch.cat([net(part, mask) for net in model.fusion.extractors.values()], dim=-1)
        torch.testing.assert_close(found.values[row, place], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 30, 2100])
def test_pooling_hears_every_frame(frames: int) -> None:
    torch.manual_seed(0)
    net = MaskedResNet(1).eval()
    values, mask = torch.randn(1, frames, 4), torch.ones(1, frames, dtype=torch.bool)
    before = net(values, mask)
    values[:, -1] += 10
    assert before.shape == (1, 8) and torch.isfinite(before).all()
    assert not torch.allclose(net(values, mask), before, atol=1e-7)


def test_released_pooling_is_halving_until_one_frame_is_left() -> None:
    net = MaskedResNet(1, pooling="released")
    hidden = torch.randn(2, 8, 13, 20)
    lengths = [13, 6]
    mask = torch.arange(13) < torch.tensor(lengths)[:, None]
    found = net._pooled(hidden, mask)
    for row, length in enumerate(lengths):
        part = hidden[row : row + 1, :, :length]
        while part.shape[2] > 1:
            part = F.avg_pool2d(part, 2)
        torch.testing.assert_close(found[row], part.mean(dim=(2, 3))[0])
    with pytest.raises(MmserError, match="at most 4 pooled frames for pooling=released; found 8"):
        net._pooled(hidden[..., :4], mask)


def test_padded_turns_equal_single_ones() -> None:
    model = made().eval()
    ends = [[3, 6, 9, 12, 20], [7], [4, 15]]
    together = model(turns(*ends, time=33), empty_context(3))
    for row, edges in enumerate(ends):
        lone = {
            name: Stream(s.values[row : row + 1], s.mask[row : row + 1])
            for name, s in turns(*ends).items()
        }
        cut = {
            name: Stream(s.values[:, : s.lengths[0]], s.mask[:, : s.lengths[0]])
            for name, s in lone.items()
        }
        alone = model(cut, empty_context(1))
        torch.testing.assert_close(together.logits[row], alone.logits[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            together.sequence.values[row, : len(edges)], alone.sequence.values[0]
        )
        assert together.sequence.values[row, len(edges) :].eq(0).all()


def test_unknown_segments_are_one() -> None:
    model = made().eval()
    streams = turns([4, 15], [12])
    gone = Stream(
        torch.full_like(streams["segments"].values, float("nan")),
        torch.zeros(2, 2, dtype=torch.bool),
    )
    whole = model(turns([15], [12]), empty_context(2)).logits
    torch.testing.assert_close(model({**streams, "segments": gone}, empty_context(2)).logits, whole)
    audio_alone = made({"audio": 8}).eval()
    audio_alone.load_state_dict(model.state_dict())
    torch.testing.assert_close(
        audio_alone({"audio": streams["audio"]}, empty_context(2)).logits, whole
    )


def test_extractors_learn_sound_and_emotion_each_from_its_own_half() -> None:
    model = made(sequence=False)
    batch = Batch(
        ("u", "v"), turns([3, 9], [7]), empty_context(2), {"emotion": torch.tensor([1, -100])}
    )
    objective = SegmentExtractors(TASK, model.vector_size, dropout=0.0)
    losses = losses_of(objective, model, batch)
    part = model(batch.streams, batch.context).sequence.values
    emotion = F.cross_entropy(objective.layers["emotion"](part[0, :, 16:]), torch.tensor([1, 1]))
    torch.testing.assert_close(losses["emotion"], emotion)
    losses["sound"].backward()
    assert all(
        p.grad is not None and p.grad.ne(0).any()
        for p in model.fusion.extractors["sound"].parameters()
    )
    assert not any(
        p.grad is not None and p.grad.ne(0).any()
        for p in model.fusion.extractors["emotion"].parameters()
    )


def test_the_stages_train_extractors_then_freeze_them() -> None:
    words = [
        "system=nonverbal_vocalization",
        "corpus=generic",
        "protocol=ravdess8_group4",
        "model.fusion.features=[sound]",
    ]
    first, last = list_stages(compose("train", words))
    assert (
        first.config["model"]["fusion"]["sequence"] is False
        and last.config["model"]["fusion"]["sequence"]
    )
    assert first.config["objective"]["features"] == ["sound"]
    assert (
        first.config["trainer"]["monitor"] == "loss" and last.config["trainer"]["monitor"] == "ua"
    )
    assert last.load == ("fusion.extractors.*",) and last.config["trainer"]["freeze"] == [
        "fusion.extractors.*"
    ]


def test_eight_turns_are_learnt() -> None:
    four = Task(tuple("abcd"))
    model = made(classes=four, features=("emotion",), hidden_size=12)
    batch = Batch(
        tuple("abcdefgh"),
        turns(*([4, 8] for _ in range(8))),
        empty_context(8),
        {"emotion": torch.arange(8) % 4},
    )
    objective, optimizer = TurnCrossEntropy(four, 12), torch.optim.Adam(model.parameters(), lr=1e-2)
    wanted = batch.targets["emotion"][:, None].expand(8, 2)
    for _ in range(200):
        optimizer.zero_grad()
        losses_of(objective, model, batch)["turn"].backward()
        optimizer.step()
        with torch.no_grad():
            sequence = model(batch.streams, batch.context).sequence
            right = model.head(sequence.values)[0].argmax(-1).equal(wanted)
        if right:
            break
    assert right


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(MmserError, match="found stream text, feature colour"):
        NonverbalVocalization({"text": 8}, features=("colour",))
    with pytest.raises(MmserError, match="gate scaled or released; found 'open'"):
        TurnReader(2, 2, gate="open")  # type: ignore[arg-type]
    with pytest.raises(MmserError, match="sound, emotion in 7 features"):
        SegmentExtractors(TASK, 7)
