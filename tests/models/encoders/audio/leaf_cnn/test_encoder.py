"""LEAF-CNN: sizes and shapes of the published table, short clips, chunks, overfitting."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.audio.leaf_cnn.encoder import LeafCNN


def small(**options: object) -> LeafCNN:
    torch.manual_seed(0)
    return LeafCNN(
        1, **{"output_size": 8, "stride_ms": 2.0, "window": 51, "width": 0.25, **options}
    )  # type: ignore[arg-type]


def waves(*lengths: int) -> Stream:
    torch.manual_seed(1)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return Stream(Stream(torch.randn(len(lengths), max(lengths)), mask).filled(float("nan")), mask)


def test_published_size() -> None:
    made = LeafCNN(1)
    count = sum(p.numel() for p in made.parameters())
    assert count - 280 + 100 * 8 + 8 == 255_796
    assert count - 280 + 100 * 4 + 4 == 255_392


def test_shapes_of_34_seconds() -> None:
    with torch.device("meta"):
        made = LeafCNN(1).eval()
        shapes: list[tuple[int, ...]] = []
        for layer in made.convolutions:
            layer.register_forward_hook(lambda *given: shapes.append(tuple(given[2].shape)))
        found, mask = made.convolved(
            torch.empty(1, 1134, 40), torch.empty(1, 1134, dtype=torch.bool)
        )
    assert found.shape == (1, 138, 100) and mask.shape == (1, 138)
    # (channel, time, band) behind each convolution: pooled to 565 x 18, 280 x 7, 138 x 1.
    assert [shape[1:] for shape in shapes] == [
        (32, 1132, 38),
        (32, 1130, 36),
        (64, 563, 16),
        (64, 561, 14),
        (128, 278, 5),
        (100, 276, 3),
    ]


def test_35_frames_are_an_error_and_36_are_enough() -> None:
    made = small().eval()
    with pytest.raises(MmserError, match="at least 36 frames; found 35"):
        made.convolved(torch.randn(1, 35, 40), torch.ones(1, 35, dtype=torch.bool))
    found, _ = made.convolved(torch.randn(1, 36, 40), torch.ones(1, 36, dtype=torch.bool))
    assert found.shape == (1, 1, 8)


def test_a_short_clip_is_followed_by_silence() -> None:
    made, short = small().eval(), waves(300)
    silent = nn.functional.pad(short.values, (0, 36 * 32 - 300))
    longer = Stream(silent, torch.ones_like(silent, dtype=torch.bool))
    torch.testing.assert_close(made(short).values, made(longer).values)


def test_frozen_it_reads_a_few_rows_at_a_time() -> None:
    whole, few = small(rows_at_once=100).eval(), small(rows_at_once=2).eval()
    given = waves(1500, 3000, 200, 2400, 1800)
    torch.testing.assert_close(few(given).values, whole(given).values, atol=1e-5, rtol=1e-4)


def test_eight_clips_are_learnt_by_heart() -> None:
    made, head = small(), nn.Linear(8, 4)
    given, target = waves(*[1200] * 8), torch.arange(8) % 4
    optimizer = torch.optim.Adam([*made.parameters(), *head.parameters()], lr=1e-2)
    for _ in range(150):
        logits = head(made(given).values[:, 0])
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 150 steps")
