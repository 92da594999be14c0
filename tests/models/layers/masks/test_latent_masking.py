"""Hidden stretches: where they may lie, how many there are, against transformers' draw; none at
test time.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmser.core.errors import MmserError
from mmser.models.layers.masks.latent_masking import LatentMasking, stretches


def drawn(
    rows: int, length: int, share: float, width: int, least: int, seed: int = 0
) -> torch.Tensor:
    torch.manual_seed(seed)
    return stretches(torch.full((rows,), length), length, share, width, least)


def test_stretches_lie_within_their_row_and_have_their_width() -> None:
    torch.manual_seed(0)
    lengths = torch.arange(0, 61).repeat(20)
    hidden = stretches(lengths, 70, 0.3, 7, 1)
    assert not hidden[torch.arange(70) >= lengths[:, None]].any(), "padding"
    assert hidden[lengths < 7].sum() == 0, "no room for one"
    assert hidden[lengths >= 7].any(dim=1).all(), "at least one"
    edges = torch.nn.functional.pad(hidden.int(), (1, 1)).diff(dim=1)
    runs = (edges == -1).nonzero()[:, 1] - (edges == 1).nonzero()[:, 1]
    assert runs.min() == 7
    begins, ends = hidden[lengths == 60].any(dim=0)[[0, 59]]
    assert begins and ends, "both edges can be hidden"


def test_counts_are_rounded_at_random_and_bounded() -> None:
    # Stretches of one place cannot overlap, so that hidden places are stretches: 0.05 * 50 = 2.5 of
    # them.
    counts = drawn(4000, 50, 0.05, 1, 0).sum(dim=1)
    assert set(counts.tolist()) == {2, 3}
    assert counts.float().mean() == pytest.approx(2.5, abs=0.05)  # six standard errors
    assert drawn(50, 50, 0.05, 1, 7).sum(dim=1).eq(7).all(), "at least so many"
    assert drawn(50, 50, 1.0, 1, 0).all(), "all of it"
    assert drawn(50, 25, 1.0, 10, 5).sum(dim=1).le(20).all(), (
        "at most as many as have room side by side"
    )


@pytest.mark.parametrize(("share", "width", "least"), [(0.05, 10, 2), (0.3, 10, 0), (0.5, 4, 0)])
def test_as_many_places_are_hidden_as_by_transformers(share: float, width: int, least: int) -> None:
    from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices

    np.random.seed(0)
    theirs = np.stack(
        [_compute_mask_indices((4, 149), share, width, min_masks=least) for _ in range(300)]
    )
    ours = drawn(1200, 149, share, width, least)
    assert ours.float().mean() == pytest.approx(theirs.mean(), rel=0.05)
    middle = slice(width, 149 - width)
    assert ours[:, middle].float().mean() == pytest.approx(theirs[..., middle].mean(), rel=0.05)


def test_hidden_frames_take_the_vector_and_hidden_features_are_zero() -> None:
    masking = LatentMasking(0.2, 3, 1, mask_feature_prob=0.4, mask_feature_length=2)
    values, vector = torch.full((3, 12, 8), 5.0), torch.full((8,), 9.0, requires_grad=True)
    mask = torch.arange(12) < torch.tensor([12, 9, 0])[:, None]
    torch.manual_seed(0)
    hidden = masking(values, mask, vector)
    frames, bands = (hidden == 9).any(dim=2), hidden.eq(0).all(dim=1)
    assert frames.any(dim=1).tolist() == [True, True, False] and not frames[~mask].any()
    assert bands.sum(dim=1).ge(2).all() and not bands.all(dim=1).any()
    kept = ~frames[..., None] & ~bands[:, None]
    assert hidden[kept].eq(5).all() and hidden[~bands[:, None] & frames[..., None]].eq(9).all()
    assert hidden[bands[:, None].expand_as(hidden)].eq(0).all(), "a band is hidden at every frame"
    hidden.sum().backward()
    assert vector.grad.gt(0).any()
    assert values.eq(5).all(), "the input stays as it was"


def test_a_seed_gives_the_same_stretches() -> None:
    one, again, other = (drawn(8, 100, 0.3, 5, 1, seed) for seed in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert not torch.equal(one[0], one[1]), "each row has its own"


def test_nothing_is_hidden_outside_training_or_by_a_share_of_zero() -> None:
    values, mask, vector = (
        torch.randn(2, 30, 4),
        torch.ones(2, 30, dtype=torch.bool),
        torch.zeros(4),
    )
    assert LatentMasking(1.0).eval()(values, mask, vector) is values
    assert torch.equal(LatentMasking(0.0, mask_time_min_masks=2)(values, mask, vector), values)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(MmserError, match=r"shares from 0 to 1.*found mask_feature_prob 1.5"):
        LatentMasking(mask_feature_prob=1.5)
    with pytest.raises(MmserError, match="lengths of 1 or more; found lengths 0 and 10"):
        LatentMasking(mask_time_length=0)
