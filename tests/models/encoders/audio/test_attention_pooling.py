"""The acceptance checks of attention pooling; the spectrogram itself is tested among the
extractors.
"""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.core.batch import Stream, empty_context
from mmser.core.configs import load_config
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.extractors.audio.spectrogram import Spectrogram
from mmser.models.encoders.audio.attention_pooling import AttentionPoolingNet, compand
from mmser.models.fusion.step_concat import StepConcat
from mmser.models.heads.segment_average import SegmentAverage
from mmser.models.layers.time.segments import cut_segments, segment_mask
from mmser.models.multimodal import MultimodalModel, build_model
from mmser.training.loop.schedulers import milestones

SMALL = {"channels": (2, 3, 4, 4, 6), "segment": 15, "columns": 16, "hop": 8, "test_hop": 4}


def system(classes: int = 4, size: int = 400, **encoder: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: AttentionPoolingNet(input_size, **encoder)},
        StepConcat,
        lambda input_size, task: SegmentAverage(input_size, task, average="logits", bias=False),
        {"audio": size},
        Task(classes=tuple(map(str, range(classes)))),
    ).eval()


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize(("classes", "expected"), [(4, 93_568), (7, 93_808)])
def test_parameter_count_is_exact(classes: int, expected: int) -> None:
    assert sum(parameter.numel() for parameter in system(classes).parameters()) == expected


def test_sixteen_channels_each_is_the_other_reading() -> None:
    model = system(channels=(16, 32, 48, 64, 80))
    assert sum(parameter.numel() for parameter in model.parameters()) == 98_512


def test_mu_law() -> None:
    x = torch.arange(-100, 101) / 100
    y = compand(x)
    assert y[100] == 0 and y[0] == -1 and y[-1] == 1
    assert y.diff().min() > 0 and (y + y.flip(0)).abs().max() < 1e-6
    assert compand(torch.tensor(0.1)).item() == pytest.approx(0.5910, abs=5e-5)
    inverse = y.sign() * torch.expm1(y.abs() * math.log(256.0)) / 255.0
    assert (inverse - x).abs().max() < 1e-6


def test_a_tone_peaks_in_its_row_of_a_400_by_200_map() -> None:
    options = {k: v for k, v in load_config("extractor", "spectrogram").items() if k != "_target_"}
    tone = torch.sin(torch.arange(32_000) * (2 * torch.pi * 1000 / 16_000)).numpy()
    values = torch.from_numpy(Spectrogram(**options)._values(tone))[None]
    segments, real, _ = cut_segments(full(values), 197, 40)
    maps = AttentionPoolingNet(400).maps(segments, real)
    assert maps.shape == (1, 200, 400)
    assert maps[0, :197].argmax(dim=1).eq(100).all()
    assert maps.max() == 1 and maps.min() >= -1 and maps[0, 197:].eq(0).all()


def test_magnitudes_fill_zero_to_one() -> None:
    maps = AttentionPoolingNet(12, scale="magnitude", **SMALL).maps(
        torch.randn(2, 15, 12), torch.ones(2, 15).bool()
    )
    assert maps.min() >= 0 and maps.amax(dim=(1, 2)).eq(1).all()
    with pytest.raises(MmserError, match="scale log or magnitude; found 'power'"):
        AttentionPoolingNet(12, scale="power")


def test_trunk_shapes() -> None:
    trunk = AttentionPoolingNet(400).eval().trunk
    with torch.no_grad():
        assert trunk(torch.zeros(1, 200, 400)).shape == (1, 80, 25, 50)
    assert trunk.cells(200, 400) == (25, 50)


def test_pooling_identities() -> None:
    torch.manual_seed(0)
    net = AttentionPoolingNet(12, **SMALL)
    features, top_down = torch.randn(2, 6, 5, 7), torch.randn(4, 6)
    maps = torch.einsum("kc,nctf->nktf", top_down, features)  # one per class
    torch.nn.init.zeros_(net.bottom_up.weight)
    pooled, weights = net.pool(features)
    torch.testing.assert_close(pooled @ top_down.T, maps.mean(dim=(2, 3)), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    # A channel that is 40 at one cell and 0 elsewhere, read by the bottom-up map alone.
    features[:, 0] = 0.0
    features[:, 0, 3, 2] = 40.0
    with torch.no_grad():
        net.bottom_up.weight[0, 0] = 1.0
    maps = torch.einsum("kc,nctf->nktf", top_down, features)
    pooled, _ = net.pool(features)
    torch.testing.assert_close(pooled @ top_down.T, maps[:, :, 3, 2])
    features[:, 0] += 3.0
    shifted, weights = net.pool(features)
    torch.testing.assert_close(shifted[:, 1:], pooled[:, 1:])


def test_rank_one_second_order_pooling() -> None:
    torch.manual_seed(0)
    net = AttentionPoolingNet(12, softmax=False, **SMALL)
    features, a = torch.randn(1, 6, 5, 7), torch.randn(6)
    pooled, _ = net.pool(features)
    x = features[0].flatten(1).T  # (cell, channel)
    second_order = x.T @ x
    b = net.bottom_up.weight[0]
    assert (
        pooled[0] @ a - torch.trace(second_order @ torch.outer(b, a))
    ).abs() < 1e-4 * second_order.norm()


def test_circular_shift_of_both_maps_leaves_scores() -> None:
    net = AttentionPoolingNet(12, **SMALL)
    features = torch.randn(1, 6, 5, 7)
    torch.testing.assert_close(
        net.pool(features.roll((2, 3), dims=(2, 3)))[0], net.pool(features)[0]
    )


@pytest.mark.parametrize(("training", "expected"), [(True, 4), (False, 8)])
def test_segments_of_five_seconds(training: bool, expected: int) -> None:
    frames = 1 + (5 * 16_000 - 640) // 160
    net = AttentionPoolingNet(8).train(training)
    hop = net.hop if training else net.test_hop
    assert segment_mask(torch.tensor([frames]), 600, net.segment, hop).sum() == expected


def test_scores_are_the_mean_over_segments_alone() -> None:
    model = system(size=12, **SMALL)
    values = torch.randn(1, 40, 12)
    logits = model({"audio": full(values)}, empty_context(1)).logits
    cut = [values[:, start : start + 15] for start in range(0, 40 - 15 + 1, 4)]
    alone = [model({"audio": full(part)}, empty_context(1)).logits for part in cut]
    assert len(alone) == 7
    torch.testing.assert_close(logits, torch.stack(alone).mean(dim=0), atol=1e-5, rtol=1e-4)


def test_gaps_are_closed_and_short_clips_are_filled() -> None:
    values = torch.arange(6.0)[None, :, None]
    gappy = Stream(values, torch.tensor([[True, False, True, True, False, True]]))
    segments, real, exists = cut_segments(gappy, 3, 1)
    assert segments.squeeze(-1).tolist() == [[0, 2, 3], [2, 3, 5]] and real.all()
    assert exists.tolist() == [[True, True, False, False]]
    segments, real, _ = cut_segments(gappy, 5, 1)
    assert segments.squeeze(-1).tolist() == [[0, 2, 3, 5, 0]] and real.tolist() == [
        [True] * 4 + [False]
    ]
    segments, real, _ = cut_segments(gappy, 5, 1, repeat_last=True)
    assert segments.squeeze(-1).tolist() == [[0, 2, 3, 5, 5]] and real.all()


def test_learning_rate_by_epoch() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.05)
    settings = load_config("system", "attention_pooling")["scheduler"]
    schedule = milestones(optimizer, 50, 1, **settings).scheduler
    rates = []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert [rates[epoch - 1] for epoch in (1, 20, 21, 31, 41)] == pytest.approx(
        [0.05, 0.05, 5e-3, 5e-4, 5e-5]
    )


def test_overfits_segments() -> None:
    model = system(size=12, **SMALL | {"channels": (4, 6, 8, 8, 12)}).train()
    stream, target = full(torch.randn(8, 15, 12)), torch.arange(8) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(300):
        logits = model({"audio": stream}, empty_context(8)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 300 steps")
