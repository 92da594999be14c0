"""Acceptance checks of the semantic + paralinguistic network: frames, attention, causality,
overfit.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.waveform_cnn import WaveformCNN
from mmser.models.fusion.semantic_paralinguistic import PairAttention, SemanticParalinguistic
from mmser.models.heads.regression import Regression
from mmser.objectives.losses.regression import concordance

TASK = Task(values=("arousal", "valence", "liking"))
SMALL: dict[str, Any] = {"size": 16, "attribute_size": 12, "hidden_size": 8}


def stream(rows: int, time: int, size: int, seed: int = 0) -> Stream:
    values = torch.randn(rows, time, size, generator=torch.Generator().manual_seed(seed))
    return Stream(values, torch.ones(rows, time, dtype=torch.bool))


def test_the_published_shapes_and_count() -> None:
    with torch.device("meta"):
        released = WaveformCNN(4410, frames="released")
        parts = [
            released,
            SemanticParalinguistic({"waveform": 4410, "semantic": 100}),
            Regression(256, TASK),
        ]
        count = sum(p.numel() for part in parts for p in part.parameters())
        frames = released(Stream(torch.zeros(2, 100, 4410), torch.ones(2, 100, dtype=torch.bool)))
        streams = {"waveform": frames, "semantic": Stream(torch.zeros(2, 100, 100), frames.mask)}
        assert parts[1](streams, empty_context(2)).sequence.values.shape == (2, 100, 256)
    assert count == pytest.approx(7_211_559, rel=0.02)
    assert frames.values.shape == (2, 100, 4410)


def test_values_stay_inside_one() -> None:
    fusion, head = (
        SemanticParalinguistic({"waveform": 5, "semantic": 4}, **SMALL),
        Regression(8, TASK, bounded=True),
    )
    fused = fusion(
        {"waveform": stream(2, 10, 5), "semantic": stream(2, 10, 4, 1)}, empty_context(2)
    )
    _, values = head(fused.sequence.values)
    assert values.shape == (2, 10, 3) and values.abs().max() < 1


@pytest.mark.parametrize("time", [37, 9])
def test_a_frames_vector_hears_itself_and_its_neighbours_alone(time: int) -> None:
    torch.manual_seed(0)
    encoder = WaveformCNN(1000, (3, 4, 5), dropout=0.0)
    whole = stream(1, time, 1000)
    full = encoder(whole).values
    assert full.shape == (1, time, 5)
    for t in (2, time // 2):
        values = torch.zeros_like(whole.values)
        values[:, t - 1 : t + 2] = whole.values[:, t - 1 : t + 2]
        torch.testing.assert_close(encoder(Stream(values, whole.mask)).values[:, t], full[:, t])


def test_a_frames_vector_is_the_mean_of_the_steps_that_overlap_it() -> None:
    torch.manual_seed(0)
    encoder = WaveformCNN(15, (2, 2, 3), pools=(2, 2, 1), dropout=0.0)
    whole = stream(1, 4, 15)
    values, mask = whole.values.flatten(1)[..., None], torch.ones(1, 60, dtype=torch.bool)
    for convolution, pool in zip(encoder.convolutions, (2, 2, 1), strict=True):
        values = convolution(values, mask)[0].relu().unflatten(1, (-1, pool)).amax(dim=2)
        mask = mask[:, ::pool]
    # 15 samples are 3.75 steps: frame 1 covers samples 15 to 29, which lie in steps 3 to 7.
    torch.testing.assert_close(encoder(whole).values[0, 1], values[0, 3:8].mean(dim=0))
    torch.testing.assert_close(encoder(whole).values[0, 0], values[0, 0:4].mean(dim=0))


def test_the_released_reshape_rotates_channels_and_refuses_odd_lengths() -> None:
    encoder = WaveformCNN(4410, frames="released")
    steps = torch.arange(1764 * 250).reshape(1, 1764, 250)
    frames = encoder._reshaped(steps, 100, 4410)
    assert [int(frames[0, t, 0]) % 250 for t in range(3)] == [0, 160, 70]
    with pytest.raises(
        MmserError, match="a multiple of 250 samples for frames=released; found 37 frames of 4410"
    ):
        encoder._reshaped(steps, 37, 4410)


def test_attention_between_two() -> None:
    attention = PairAttention(6)
    one, other = torch.randn(2, 5, 6), torch.randn(2, 5, 6)
    torch.testing.assert_close(attention(one, one)[0], one)
    out, gates = attention(one, other)
    torch.testing.assert_close(attention(other, one)[0], out)
    torch.testing.assert_close(gates.sum(-1), torch.ones(2, 5))
    alone, _ = attention(one, other, torch.tensor([[True, False], [True, True]]))
    torch.testing.assert_close(alone[0], one[0])
    torch.testing.assert_close(alone[1], out[1])


@pytest.mark.parametrize("fuse", ["attention", "concat"])
def test_without_one_stream_the_other_decides(fuse: Any) -> None:
    fusion = SemanticParalinguistic({"waveform": 5, "semantic": 4}, fuse=fuse, **SMALL)
    waveform, semantic = stream(2, 7, 5), stream(2, 7, 4, 1)
    gone = Stream(torch.full_like(semantic.values, float("nan")), torch.zeros_like(semantic.mask))
    fused = fusion({"waveform": waveform, "semantic": gone}, empty_context(2), need_attention=True)
    assert torch.isfinite(fused.vector).all()
    if fuse == "attention":
        assert fused.attention["waveform"].eq(1).all() and fused.attention["semantic"].eq(0).all()
    other = fusion({"waveform": stream(2, 7, 5, 3), "semantic": semantic}, empty_context(2)).vector
    assert not torch.allclose(
        other, fusion({"waveform": waveform, "semantic": semantic}, empty_context(2)).vector
    )


def test_silence_between_words_is_a_zero_vector_not_an_absence() -> None:
    fusion = SemanticParalinguistic({"waveform": 5, "semantic": 4}, **SMALL)
    waveform, semantic = stream(1, 6, 5), stream(1, 6, 4, 1)
    mask = semantic.mask.clone()
    mask[0, 2:4] = False
    values = semantic.values.clone()
    values[0, 2:4] = 0.0
    gap, zero = (
        Stream(semantic.values.masked_fill(~mask[..., None], float("nan")), mask),
        Stream(values, semantic.mask),
    )
    one, other = (
        fusion({"waveform": waveform, "semantic": s}, empty_context(1)).vector for s in (gap, zero)
    )
    torch.testing.assert_close(one, other)


def test_the_future_changes_nothing() -> None:
    encoder = WaveformCNN(50, (3, 4, 5), pools=(5, 5, 2), dropout=0.0)
    fusion = SemanticParalinguistic({"waveform": 5, "semantic": 4}, **SMALL)
    waveform, semantic = stream(1, 12, 50), stream(1, 12, 4, 1)

    def states(changed: torch.Tensor) -> torch.Tensor:
        encoded = encoder(Stream(changed, waveform.mask))
        return fusion({"waveform": encoded, "semantic": semantic}, empty_context(1)).sequence.values

    later = waveform.values.clone()
    later[:, 8:] += 1.0
    before, after = states(waveform.values), states(later)
    torch.testing.assert_close(after[:, :6], before[:, :6])
    assert not torch.allclose(after[:, 9:], before[:, 9:])


def test_two_sequences_of_a_hundred_frames_are_overfitted() -> None:
    torch.manual_seed(0)
    waveform, semantic = stream(2, 100, 5), stream(2, 100, 4, 1)
    wanted = torch.randn(200, 3, generator=torch.Generator().manual_seed(2)).cumsum(0)
    wanted = ((wanted - wanted.mean(0)) / wanted.std(0) / 4).clamp(-0.9, 0.9)
    fusion = SemanticParalinguistic({"waveform": 5, "semantic": 4}, 32, 32, 48)
    head = Regression(48, TASK, bounded=True)
    optimizer = torch.optim.Adam([*fusion.parameters(), *head.parameters()], lr=1e-2)
    for _ in range(150):
        states = fusion(
            {"waveform": waveform, "semantic": semantic}, empty_context(2)
        ).sequence.values
        score = concordance(head(states.flatten(0, 1))[1], wanted)
        if float(score.detach().min()) > 0.95:
            break
        optimizer.zero_grad()
        (1 - score).sum().backward()
        optimizer.step()
    assert float(score.detach().min()) > 0.95


def test_streams_on_different_axes_and_unknown_names_are_refused() -> None:
    fusion = SemanticParalinguistic({"waveform": 5, "semantic": 4}, **SMALL)
    with pytest.raises(
        MmserError,
        match=r"one time axis; found 6 steps of semantic, 7 steps of waveform\. Set data",
    ):
        fusion({"waveform": stream(1, 7, 5), "semantic": stream(1, 6, 4)}, empty_context(1))
    with pytest.raises(MmserError, match="streams semantic and waveform; found audio"):
        SemanticParalinguistic({"audio": 5, "semantic": 4})
