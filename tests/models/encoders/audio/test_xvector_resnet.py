"""The x-vector network: sizes, voice detection, pooling over time."""

import pytest
import torch

from mmser.core.batch import Stream
from mmser.models.encoders.audio.xvector_resnet import SIXTEEN_BIT, CentrePooling, XVectorResNet

WIDE, LIGHT = (64, 128, 256, 512), (16, 32, 64, 128)


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("channels", "heads", "total", "trunk"),
    [
        (WIDE, 8, 26_206_140, 21_275_840),
        (LIGHT, 8, 2_567_724, 1_333_040),
        (WIDE, 1, 21_894_581, 21_275_840),
        (LIGHT, 1, 1_489_829, 1_333_040),
    ],
)
def test_parameters(channels, heads, total, trunk):
    with torch.device("meta"):
        network = XVectorResNet(23, channels, heads=heads)
    assert count(network.entrance) + count(network.stages) == trunk
    assert count(network) + 400 * 4 + 4 == total


def small(**options):
    torch.manual_seed(0)
    return XVectorResNet(23, (4, 4, 8, 8), (1, 1, 1, 1), heads=2, embedding_size=16, **options)


@pytest.mark.parametrize(("frames", "steps"), [(40, 5), (400, 50), (801, 101)])
def test_time_shrinks_by_eight(frames, steps):
    network = small().eval()
    values, mask = network.frames(
        torch.randn(1, frames, 23), torch.ones(1, frames, dtype=torch.bool)
    )
    assert values.shape == (1, steps, 3 * 8) and mask.all()
    assert network(
        Stream(torch.randn(1, frames, 23), torch.ones(1, frames, dtype=torch.bool))
    ).values.shape == (
        1,
        1,
        16,
    )


def spoken(loud):
    """MFCCs whose coefficient 0 says 10 above the threshold or far below it."""
    values = torch.randn(1, len(loud), 23)
    bands = 23**0.5
    values[0, :, 0] = torch.where(torch.tensor(loud), 0.0, -20.0) * bands
    return Stream(values, torch.ones(1, len(loud), dtype=torch.bool))


def test_frames_without_voice_are_dropped_and_the_rest_has_mean_zero():
    loud = [False] * 20 + [True] * 30 + [False] * 10
    values, mask = small().prepared(spoken(loud))
    assert int(mask.sum()) == 34  # two frames of context on each side
    assert values[0, :34].mean(dim=0).abs().max() < 1e-5
    assert values[0, 34:].eq(0).all()


def test_the_decision_is_kaldis():
    network, mask = small(), torch.ones(1, 9, dtype=torch.bool)
    energy = torch.tensor([[0.0, 0, 0, 0, 30, 0, 0, 0, 0]])
    threshold = 5.5 + 0.5 * 30 / 9
    assert threshold < 30
    assert network.voiced(energy, mask).tolist() == [
        [False, False, True, True, True, True, True, False, False]
    ]
    assert network.voiced(torch.zeros(1, 9), mask).all(), "silence keeps all"
    assert pytest.approx(20.794, abs=1e-3) == SIXTEEN_BIT


def test_gaps_and_companions_do_not_matter():
    network, stream = small().eval(), spoken([True] * 24)
    padded = torch.full((2, 30, 23), float("nan"))
    padded[0, 3:27] = stream.values[0]
    padded[1, :30] = torch.randn(30, 23)
    mask = torch.zeros(2, 30, dtype=torch.bool)
    mask[0, 3:27], mask[1] = True, True
    torch.testing.assert_close(
        network(Stream(padded, mask)).values[:1], network(stream).values, atol=1e-5, rtol=1e-4
    )


def test_every_parameter_gets_a_gradient():
    network = small().train()
    network(spoken([True] * 40)).values.square().sum().backward()
    streams = Stream(torch.randn(4, 40, 23), torch.ones(4, 40, dtype=torch.bool))
    network.zero_grad()
    (network(streams).values * torch.randn(4, 1, 16)).sum().backward()
    assert [
        name for name, p in network.named_parameters() if p.grad is None or p.grad.eq(0).all()
    ] == []


def pooled(scale, values, mask=None):
    torch.manual_seed(0)
    pooling = CentrePooling(values.shape[2], 2)
    with torch.no_grad():
        pooling.raw_scale.fill_(scale)
    return pooling, *pooling(
        values, torch.ones(values.shape[:2], dtype=torch.bool) if mask is None else mask
    )


def test_weights_sum_to_one_over_time_for_each_head():
    _, _, weights = pooled(0.0, torch.randn(3, 7, 4))
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(3, 2))


def test_scale_zero_is_the_mean_and_a_large_one_the_nearest_frame():
    values = torch.randn(1, 6, 4)
    _, vector, _ = pooled(-40.0, values)
    torch.testing.assert_close(vector, values.mean(dim=1).repeat(1, 2))
    pooling, vector, _ = pooled(500.0, values)
    nearest = [values[0, (values[0] - centre).norm(dim=1).argmin()] for centre in pooling.centres]
    torch.testing.assert_close(vector[0], torch.cat(nearest), atol=1e-4, rtol=1e-4)


def test_order_of_frames_is_nothing_and_one_frame_is_itself():
    values = torch.randn(1, 6, 4)
    torch.testing.assert_close(pooled(0.5, values)[1], pooled(0.5, values.flip(1))[1])
    torch.testing.assert_close(pooled(0.5, values[:, :1])[1], values[:, 0].repeat(1, 2))


def test_the_distance_is_not_squared():
    values = torch.randn(1, 5, 4)
    pooling, _, weights = pooled(0.3, values)
    scale = torch.nn.functional.softplus(pooling.raw_scale)[0]
    expected = torch.softmax(-scale * (values[0] - pooling.centres[0]).norm(dim=1), dim=0)
    torch.testing.assert_close(weights[0, 0], expected, atol=1e-5, rtol=1e-4)
