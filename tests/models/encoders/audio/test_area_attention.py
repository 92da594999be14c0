"""The acceptance checks of area attention."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.models.encoders.audio.area_attention import (
    AreaAttention,
    AreaAttentionNet,
    area_summaries,
)
from mmser.models.fusion.step_concat import StepConcat
from mmser.models.heads.segment_average import SegmentAverage
from mmser.models.layers.time.segments import segment_mask
from mmser.models.multimodal import MultimodalModel, build_model

SMALL = {"channels": (2, 4, 4, 6, 8), "segment": 16, "hop": 8, "test_hop": 4, "dropout": 0.0}


def system(size: int, **encoder: object) -> MultimodalModel:
    torch.manual_seed(0)
    return build_model(
        {"audio": lambda input_size: AreaAttentionNet(input_size, **encoder)},
        StepConcat,
        SegmentAverage,
        {"audio": size},
        Task(classes=("a", "b", "c", "d")),
    )


def full(values: Tensor) -> Stream:
    return Stream(values, torch.ones(values.shape[:2], dtype=torch.bool))


@pytest.mark.parametrize(("joined", "expected"), [("channel", 302_916), ("height", 503_108)])
def test_parameter_count_is_exact(joined: str, expected: int) -> None:
    assert (
        sum(parameter.numel() for parameter in system(128, joined=joined).parameters()) == expected
    )


@pytest.mark.parametrize(("joined", "rows"), [("channel", 32), ("height", 64)])
def test_shapes(joined: str, rows: int) -> None:
    encoder = AreaAttentionNet(128, joined=joined).eval()
    with torch.no_grad():
        assert encoder.trunk(torch.zeros(1, 81, 128)).shape == (1, 80, 20, rows)
    assert encoder.output_size == 80 * rows * 20


@pytest.mark.parametrize(
    ("grid", "shape", "expected"),
    [((1, 20), (1, 3), 57), ((32, 20), (3, 3), 5301), ((64, 20), (3, 3), 10_773)],
)
def test_number_of_areas(grid: tuple[int, int], shape: tuple[int, int], expected: int) -> None:
    assert area_summaries(torch.zeros(1, 1, *grid), *shape, "mean").shape == (1, expected, 1)


def areas_by_hand(values: Tensor, height: int, width: int) -> list[Tensor]:
    """(feature, cell) of every rectangle of one map (feature, row, column)."""
    rows, columns = values.shape[1:]
    return [
        values[:, r : r + a, c : c + b].flatten(1)
        for a in range(1, height + 1)
        for b in range(1, width + 1)
        for r in range(rows - a + 1)
        for c in range(columns - b + 1)
    ]


@pytest.mark.parametrize("summary", ["mean", "sum", "max", "std"])
def test_summaries_against_loops(summary: str) -> None:
    values = torch.randn(1, 3, 7, 5)
    found = area_summaries(values, 3, 3, summary)[0]
    for area, cells in zip(found, areas_by_hand(values[0], 3, 3), strict=True):
        expected = {
            "mean": cells.mean(dim=1),
            "sum": cells.sum(dim=1),
            "max": cells.amax(dim=1),
            "std": (cells.var(dim=1, unbiased=False) + 1e-6).sqrt(),
        }[summary]
        assert (area - expected).abs().max() < 1e-5


def test_single_cells_are_plain_attention() -> None:
    maps = torch.randn(2, 6, 4, 5)
    cells = maps.flatten(2).transpose(1, 2)
    expected = (
        F.scaled_dot_product_attention(cells, cells, cells).transpose(1, 2).unflatten(2, (4, 5))
    )
    assert (AreaAttention(1, 1)(maps) - expected).abs().max() < 1e-6
    unscaled = (cells @ cells.transpose(1, 2)).softmax(dim=-1) @ cells
    found = AreaAttention(1, 1, scaled=False)(maps).flatten(2).transpose(1, 2)
    assert (found - unscaled).abs().max() < 1e-5


def test_constant_values() -> None:
    maps = torch.randn(1, 4, 5, 6)
    maps[:, 1] = 2.0
    assert (AreaAttention(value="mean")(maps)[:, 1] - 2).abs().max() < 1e-5
    summed = AreaAttention(value="sum")(maps)[:, 1]
    assert summed.min() >= 2 and summed.max() <= 18


def test_rows_by_themselves_know_no_height() -> None:
    maps = torch.randn(2, 4, 5, 6)
    assert torch.equal(
        AreaAttention(3, 3, layout="row1d")(maps), AreaAttention(1, 3, layout="row1d")(maps)
    )
    assert not torch.allclose(AreaAttention(3, 3)(maps), AreaAttention(1, 3)(maps))
    row = AreaAttention(1, 3)(maps[:, :, 2:3])
    torch.testing.assert_close(AreaAttention(3, 3, layout="row1d")(maps)[:, :, 2:3], row)


def test_chance_only_in_training() -> None:
    maps = torch.randn(1, 4, 5, 6)
    attention = AreaAttention(key="sample", dropout=0.5)
    assert not torch.equal(attention(maps), attention(maps))
    attention.eval()
    assert torch.equal(attention(maps), attention(maps))
    torch.testing.assert_close(attention(maps), AreaAttention(key="mean")(maps))


def test_unknown_choices_are_an_error() -> None:
    with pytest.raises(MmserError, match="layout 2d or row1d; found 'mean', 'sum', '3d'"):
        AreaAttention(layout="3d")


@pytest.mark.parametrize(("seconds", "expected"), [(1.0, 1), (2.0, 1), (2.4, 2), (5.0, 8)])
def test_number_of_test_segments(seconds: float, expected: int) -> None:
    encoder = AreaAttentionNet(8)
    frames = 1 + round(seconds * 16_000) // 400
    assert (
        segment_mask(torch.tensor([frames]), 300, encoder.segment, encoder.test_hop).sum()
        == expected
    )


def test_a_short_clip_is_padded_with_silence() -> None:
    encoder = AreaAttentionNet(12, **SMALL).eval()
    values = torch.randn(1, 10, 12)
    longer = torch.cat([values, torch.full((1, 6, 12), -10.0)], dim=1)
    torch.testing.assert_close(encoder(full(values)).values, encoder(full(longer)).values)


def test_overfits_segments() -> None:
    model = system(12, **SMALL).train()
    stream, target = full(torch.randn(8, 16, 12)), torch.arange(8) % 4
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(150):
        logits = model({"audio": stream}, empty_context(8)).logits
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        F.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 150 steps")
