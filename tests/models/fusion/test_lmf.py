"""LMF, the low-rank form of the tensor fusion, against the full tensor."""

from __future__ import annotations

import torch
from makers.fusion_streams import ONE_STEP_SIZES, extended, one_step_streams

from mmser.core.batch import empty_context
from mmser.models.fusion.lmf import LMF


def test_lmf_equals_the_full_tensor_of_its_factors() -> None:
    """Sum over ranks of outer products of the factors is the weight tensor that LMF
    never builds.
    """
    torch.manual_seed(0)
    made, given = LMF(ONE_STEP_SIZES, size=5, rank=3), one_step_streams()
    factors = [made.factors[name] for name in ONE_STEP_SIZES]
    weight = torch.einsum("r,rah,rth,rfh->atfh", made.weights[0], *factors)
    vector = made(given, empty_context(2)).vector
    for row in range(2):
        a, t, f = extended(given, row)
        torch.testing.assert_close(
            vector[row], torch.einsum("a,t,f,atfh->h", a, t, f, weight) + made.bias
        )
