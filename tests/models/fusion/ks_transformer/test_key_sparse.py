"""Key-sparse attention against the naive formulation (ks_transformer specification, section 8)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmser.models.fusion.ks_transformer.key_sparse import (
    column_sums,
    kept_keys,
    key_sparse_attention,
)


def naive(q, k, v, query_mask, key_mask, keep=0.5):
    """The (query, key) matrix in full: softmax, column sums, threshold, masked weights."""
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    weights = scores.masked_fill(~key_mask[:, None, None], -torch.inf).softmax(-1)
    sums = (weights * query_mask[:, None, :, None]).sum(2).detach()
    kept = torch.zeros_like(sums, dtype=torch.bool)
    for row in range(len(q)):
        survivors = max(1, int(keep * key_mask[row].sum()))
        for head in range(q.shape[1]):
            ranked = sums[row, head].masked_fill(~key_mask[row], -1.0)
            kept[row, head] = (ranked >= ranked.topk(survivors).values[-1]) & key_mask[row]
    return (weights * kept[:, :, None]) @ v, kept, sums


def example(queries=37, keys=53, dtype=torch.float64, seed=0):
    rng = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn(3, 2, n, 8, generator=rng, dtype=dtype) for n in (queries, keys, keys))
    query_mask = torch.arange(queries) < torch.tensor([queries, 20, 1])[:, None]
    key_mask = torch.arange(keys) < torch.tensor([keys, 31, 1])[:, None]
    return q, k, v, query_mask, key_mask


@pytest.mark.parametrize("block", [1 << 20, 64])
def test_equals_the_naive_form_with_gradients(monkeypatch, block):
    monkeypatch.setattr("mmser.models.fusion.ks_transformer.key_sparse.BLOCK_ELEMENTS", block)
    q, k, v, query_mask, key_mask = example()
    ours, theirs = ([t.clone().requires_grad_() for t in (q, k, v)] for _ in range(2))
    out, kept = key_sparse_attention(*ours, query_mask, key_mask)
    expected, expected_kept, sums = naive(*theirs, query_mask, key_mask)
    valid = query_mask[:, None, :, None]
    torch.testing.assert_close(
        column_sums(q, k, query_mask, key_mask), sums, rtol=1e-12, atol=1e-14
    )
    assert torch.equal(kept, expected_kept)
    torch.testing.assert_close(
        out.where(valid, 0.0), expected.where(valid, 0.0), rtol=1e-11, atol=1e-13
    )
    for result in (out, expected):
        result.where(valid, 0.0).square().sum().backward()
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, reference.grad, rtol=1e-10, atol=1e-12)


def test_keeping_everything_is_plain_attention():
    q, k, v, _, _ = example(dtype=torch.float32)
    full = torch.ones(3, 37, dtype=torch.bool), torch.ones(3, 53, dtype=torch.bool)
    out, kept = key_sparse_attention(q, k, v, *full, keep=1.0)
    assert kept.all()
    torch.testing.assert_close(
        out, torch.nn.functional.scaled_dot_product_attention(q, k, v), rtol=1e-6, atol=1e-6
    )


def test_exactly_the_floor_of_the_share_survives_per_head_and_heads_differ():
    q, k, v, query_mask, key_mask = example()
    _, kept = key_sparse_attention(q, k, v, query_mask, key_mask)
    assert kept.sum(-1).tolist() == [[26, 26], [15, 15], [1, 1]]
    assert not torch.equal(kept[0, 0], kept[0, 1])


def test_equal_scores_keep_every_valid_key():
    q, k, v, query_mask, key_mask = example(dtype=torch.float32)
    _, kept = key_sparse_attention(q, torch.ones_like(k), v, query_mask, key_mask)
    assert torch.equal(kept, key_mask[:, None].expand(-1, 2, -1))


def test_padding_and_its_content_change_nothing():
    q, k, v, query_mask, key_mask = example(dtype=torch.float32)
    out, kept = key_sparse_attention(q, k, v, query_mask, key_mask)
    other_q = q.masked_fill(~query_mask[:, None, :, None], 1e3)
    other_k, other_v = (t.masked_fill(~key_mask[:, None, :, None], 1e3) for t in (k, v))
    pad = lambda t: torch.nn.functional.pad(t, (0, 0, 0, 9), value=-1e3)  # noqa: E731
    longer = [torch.nn.functional.pad(mask, (0, 9)) for mask in (query_mask, key_mask)]
    again, kept_again = key_sparse_attention(pad(other_q), pad(other_k), pad(other_v), *longer)
    assert torch.equal(kept, kept_again[..., : kept.shape[-1]])
    assert not kept_again[..., kept.shape[-1] :].any()
    real = query_mask[:, None, :, None]
    torch.testing.assert_close(
        again[:, :, :37].where(real, 0), out.where(real, 0), rtol=0, atol=1e-6
    )


def test_an_absent_row_gives_zeros_and_finite_gradients():
    q, k, v, query_mask, key_mask = example(dtype=torch.float32)
    key_mask[1] = False
    q.requires_grad_()
    out, kept = key_sparse_attention(q, k, v, query_mask, key_mask)
    out.sum().backward()
    assert not kept[1].any()
    assert torch.equal(out[1], torch.zeros_like(out[1]))
    assert torch.isfinite(q.grad).all()


def test_permuting_keys_permutes_the_selection():
    q, k, v, query_mask, _ = example()
    mask = torch.ones(3, 53, dtype=torch.bool)
    order = torch.randperm(53, generator=torch.Generator().manual_seed(1))
    out, kept = key_sparse_attention(q, k, v, query_mask, mask)
    permuted, kept_permuted = key_sparse_attention(
        q, k[:, :, order], v[:, :, order], query_mask, mask
    )
    assert torch.equal(kept[..., order], kept_permuted)
    torch.testing.assert_close(out, permuted)


def test_dropped_keys_get_score_gradient_but_no_value_gradient():
    q, k, v, query_mask, key_mask = example()
    k.requires_grad_(), v.requires_grad_()
    out, kept = key_sparse_attention(q, k, v, query_mask, key_mask)
    out.where(query_mask[:, None, :, None], 0.0).square().sum().backward()
    assert torch.equal((v.grad != 0).any(-1), kept)
    dropped = ~kept[0]
    assert (k.grad[0][dropped] != 0).any(-1).all()


def test_released_padding_counts_padded_keys():
    sums = torch.rand(1, 1, 20, generator=torch.Generator().manual_seed(0)).add_(0.1)
    for valid, survivors in ((8, 8), (15, 10)):
        mask = (torch.arange(20) < valid)[None]
        assert kept_keys(sums, mask, torch.tensor([20]), 0.5).sum() == survivors


INTERPRETED = """
import os, sys
from pathlib import Path
import torch
from triton.runtime import interpreter

original = interpreter._patch_lang_tensor


def patched(tensor, scope):
    # Triton 3.6's interpreter turns loop bounds into int(array), which NumPy 2.4 refuses for arrays
    # of one element.
    original(tensor, scope)
    scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))


interpreter._patch_lang_tensor = patched
from gpu_checks.key_sparse import CASES, agreement
from mmser.models.fusion.ks_transformer import kernel_tiles, key_sparse, key_sparse_cuda

key_sparse.has_kernels = lambda query, key: True
# The interpreter knows no split of float32 into bfloat16: it computes in float32 anyway.
key_sparse_cuda.tile = lambda *which: kernel_tiles.tile(*which)._replace(precision="tf32x3")
for name in ("float32 8 70x131", "float32 16 128x128", "float32 20 5x3", "float16 32 33x90"):
    print(name, agreement(name, Path(), torch.device("cpu")))

q, k, v = (torch.randn(2, 2, time, 16, requires_grad=True) for time in (20, 30, 30))
query_mask, key_mask = torch.ones(2, 20, dtype=torch.bool), torch.ones(2, 30, dtype=torch.bool)
key_mask[1] = False
out, kept = key_sparse.key_sparse_attention(q, k, v, query_mask, key_mask)
out.sum().backward()
assert not kept[1].any() and torch.equal(out[1], torch.zeros_like(out[1]))
assert all(torch.equal(t.grad[1], torch.zeros_like(t[1])) for t in (q, k, v))

key_mask[1] = True
_, kept = key_sparse.key_sparse_attention(q, torch.ones_like(k), v, query_mask, key_mask)
assert kept.all()
_, kept = key_sparse.key_sparse_attention(
    q, k, v, query_mask, torch.arange(30) < torch.tensor([[15], [8]]), released_padding=True
)
assert kept.sum(-1).tolist() == [[15, 15], [8, 8]]

# The gradient under dropout is that of the weights drawn, which values of one-hot rows show.
q, k, v = (torch.randn(1, 1, time, 32, requires_grad=True) for time in (20, 30, 30))
masks = query_mask[:1], key_mask[:1]


def dropped_out(values):
    torch.manual_seed(3)
    return key_sparse.key_sparse_attention(q, k, values, *masks, dropout=0.5)


shown, kept = dropped_out(torch.eye(30, 32)[None, None])
weights, kept = shown[0, 0, :, :30].detach(), kept[0, 0]
survives = weights != 0
assert 0.3 < survives[:, kept].float().mean() < 0.7 and not survives[:, ~kept].any()
full = (q[0, 0] @ k[0, 0].T * 32**-0.5).softmax(-1)
torch.testing.assert_close(weights, (full * survives * 2).detach())
towards = torch.randn(1, 1, 20, 32)
found = torch.autograd.grad(dropped_out(v)[0], (q, k, v), towards)
exact = (full * survives * 2) @ v[0, 0]
expected = torch.autograd.grad(exact, (q, k, v), towards[0, 0])
for mine, other in zip(found, expected):
    torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)
print("agree")
"""


def test_triton_kernels_agree_in_the_interpreter():
    """The CUDA kernels run here through Triton's interpreter, against the naive form."""
    scripts = Path(__file__).parents[4] / "scripts"
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(scripts), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED], capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip().endswith("agree"), done.stdout + done.stderr[-2000:]
