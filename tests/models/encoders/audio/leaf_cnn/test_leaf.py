"""LEAF: size, frames, start as mel filters, bounds, and independence of padding."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mmser.models.encoders.audio.leaf_cnn.leaf import Leaf


def run(made: Leaf, waveform: Tensor) -> Tensor:
    with torch.no_grad():
        return made(waveform, torch.ones_like(waveform, dtype=torch.bool))[0]


def test_size_and_nothing_shared() -> None:
    first, second = Leaf(), Leaf()
    assert sum(p.numel() for p in first.parameters()) == 280
    assert not {p.data_ptr() for p in first.parameters()} & {
        p.data_ptr() for p in second.parameters()
    }


@pytest.mark.parametrize(("stride", "frames"), [(160, 3400), (480, 1134)])
def test_frames_of_34_seconds(stride: int, frames: int) -> None:
    with torch.device("meta"):
        made = Leaf(stride=stride)
        found, mask = made(torch.empty(1, 544_000), torch.empty(1, 544_000, dtype=torch.bool))
    assert found.shape == (1, frames, 40) and mask.shape == (1, frames)


def mel_points() -> Tensor:
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (60, 7800))
    return torch.tensor(
        [700 * (10 ** ((low + i * (high - low) / 41) / 2595) - 1) for i in range(42)]
    )


def test_filters_start_as_the_square_roots_of_mel_triangles() -> None:
    """By the discrete Fourier transform of the filters: peak at the mel centre, half height at 3/4
    of the triangle.
    """
    real, imaginary, _ = Leaf(
        window=4001
    ).kernels()  # long enough that the lowest filters are not cut off
    size = 1 << 15
    response = torch.fft.fft(torch.complex(real, imaginary), size).abs()[:, : size // 2]
    hertz = torch.arange(size // 2) * 16_000 / size
    points = mel_points()
    assert (hertz[response.argmax(dim=1)] - points[1:-1]).abs().max() < 2.0
    torch.testing.assert_close(response.amax(dim=1), torch.ones(40), atol=2e-3, rtol=0)
    width = (response > 0.5).sum(dim=1) * 16_000 / size
    inner = slice(0, 38)  # the last ones reach beyond half the sample rate
    torch.testing.assert_close(
        width[inner], 0.75 * (points[2:] - points[:-2])[inner], atol=2.0, rtol=0.02
    )


def test_a_tone_peaks_in_the_nearest_filter() -> None:
    made = Leaf()
    tone = torch.sin(2 * math.pi * 1000 * torch.arange(8000) / 16_000)[None]
    real, imaginary, _ = made.kernels()
    kernels = torch.cat([real, imaginary])[:, None]
    energy = (
        torch.nn.functional.conv1d(tone[:, None], kernels)
        .unflatten(1, (2, -1))
        .square()
        .sum(1)
        .mean(-1)[0]
    )
    nearest = (mel_points()[1:-1] - 1000).abs().argmin()
    assert energy.argmax() == nearest
    assert torch.isfinite(run(made, torch.zeros(1, 4000))).all()


def test_energies_by_hand() -> None:
    """Two frames from the formulas: convolution, modulus, Gaussian sum, all with zeros outside."""
    made = Leaf(filters=3, window=5, stride=4)
    made.pcen = torch.nn.Identity()  # type: ignore[assignment]
    waveform = torch.randn(1, 6)
    real, imaginary, window = made.kernels()
    wide = torch.nn.functional.pad(waveform[0], (2, 2))
    filters = torch.complex(real, imaginary)
    energy = torch.stack([(wide[t : t + 5] * filters).sum(1).abs() ** 2 for t in range(6)], dim=1)
    energy = torch.nn.functional.pad(energy, (2, 2))
    expected = torch.stack([(energy[:, t : t + 5] * window).sum(1) for t in (0, 4)])
    torch.testing.assert_close(run(made, waveform)[0], expected.clamp(min=1e-5))


def test_what_is_used_stays_in_bounds_after_a_wild_step() -> None:
    made = Leaf(window=101)
    optimizer = torch.optim.SGD(made.parameters(), lr=1e6)
    waveform = torch.randn(2, 3000)
    made(waveform, torch.ones(2, 3000, dtype=torch.bool))[0].sum().backward()
    optimizer.step()
    frequency, deviation, pooling = made.bounded()
    half = math.sqrt(2 * math.log(2))
    assert frequency.min() >= 0 and frequency.max() <= math.pi
    assert (
        4 * half / math.pi <= deviation.min() + 1e-5
        and deviation.max() <= 101 * half / math.pi + 1e-4
    )
    assert pooling.min() + 1e-6 >= 2 / 101 and pooling.max() <= 0.5
    assert torch.isfinite(run(made, waveform)).all()


def test_padding_changes_nothing() -> None:
    made, waveform = Leaf(window=101), torch.randn(1, 2000)
    alone = run(made, waveform)
    padded = torch.cat([waveform, torch.full((1, 900), float("nan"))], dim=1)
    mask = torch.arange(2900)[None] < 2000
    with torch.no_grad():
        found, real = made(padded, mask)
    assert real.sum() == alone.shape[1] == 13
    torch.testing.assert_close(found[:, :13], alone)
    assert found[:, 13:].eq(0).all()
