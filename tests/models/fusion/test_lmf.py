"""LMF, the low-rank form of the tensor fusion, against the full tensor."""

from __future__ import annotations

import torch

from mmser.core.batch import Stream, empty_context
from mmser.models.fusion.lmf import LMF

SIZES = {"audio": 2, "text": 3, "face": 4}


def streams() -> dict[str, Stream]:
    """One step per stream; the text of row 1 is absent."""
    generator = torch.Generator().manual_seed(1)
    made = {}
    for name, size in SIZES.items():
        mask = torch.tensor([[True], [name != "text"]])
        values = torch.randn(2, 1, size, generator=generator).masked_fill(
            ~mask[..., None], float("nan")
        )
        made[name] = Stream(values, mask)
    return made


def extended(given: dict[str, Stream], row: int) -> list[torch.Tensor]:
    """[1 ; z] of each stream, [1 ; 0] where it is absent."""
    return [torch.cat([torch.ones(1), stream.filled()[row, 0]]) for stream in given.values()]


def test_lmf_equals_the_full_tensor_of_its_factors() -> None:
    """Sum over ranks of outer products of the factors is the weight tensor that LMF
    never builds.
    """
    torch.manual_seed(0)
    made, given = LMF(SIZES, size=5, rank=3), streams()
    factors = [made.factors[name] for name in SIZES]
    weight = torch.einsum("r,rah,rth,rfh->atfh", made.weights[0], *factors)
    vector = made(given, empty_context(2)).vector
    for row in range(2):
        a, t, f = extended(given, row)
        torch.testing.assert_close(
            vector[row], torch.einsum("a,t,f,atfh->h", a, t, f, weight) + made.bias
        )
