"""The unpacked recurrence against torch's packed one: outputs, final states and gradients."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmser.core.errors import MmserError
from mmser.models.layers.time.recurrent import Recurrent, orthogonal

LENGTHS = [7, 3, 5]


def twin(cell: str, layers: int) -> tuple[Recurrent, nn.RNNBase]:
    """Our recurrence and torch's own bidirectional one with the same weights."""
    torch.manual_seed(0)
    ours = Recurrent(4, 6, cell=cell, bidirectional=True, layers=layers)
    reference = {"gru": nn.GRU, "lstm": nn.LSTM}[cell](
        4, 6, layers, batch_first=True, bidirectional=True
    )
    for layer in range(layers):
        for parts, suffix in ((ours.forwards, ""), (ours.backwards, "_reverse")):
            for name, parameter in parts[layer].named_parameters():
                getattr(reference, name.replace("_l0", f"_l{layer}") + suffix).data.copy_(
                    parameter.data
                )
    return ours, reference


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("layers", [1, 2])
def test_equals_packed_sequences(cell: str, layers: int) -> None:
    ours, reference = twin(cell, layers)
    values = torch.randn(3, 7, 4)
    mask = torch.arange(7) < torch.tensor(LENGTHS)[:, None]
    packed, state = reference(
        pack_padded_sequence(values, torch.tensor(LENGTHS), True, enforce_sorted=False)
    )
    expected, _ = pad_packed_sequence(packed, batch_first=True)
    hidden = state[0] if cell == "lstm" else state
    result = ours(values.masked_fill(~mask[..., None], float("nan")), mask)
    torch.testing.assert_close(result.outputs, expected)
    torch.testing.assert_close(result.final, torch.cat([hidden[-2], hidden[-1]], dim=-1))


def test_gaps_are_closed() -> None:
    recurrence = Recurrent(4, 6)
    values = torch.randn(1, 6, 4)
    mask = torch.tensor([[False, True, True, False, True, False]])
    result = recurrence(values, mask)
    dense = recurrence(values[mask][None], torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(result.outputs[mask][None], dense.outputs)
    torch.testing.assert_close(result.final, dense.final)
    assert result.outputs[~mask].eq(0).all()


def test_gradient_reaches_real_steps_only() -> None:
    recurrence = Recurrent(4, 6, cell="lstm")
    values = torch.randn(2, 5, 4, requires_grad=True)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    recurrence(values, mask).outputs[:, 0].sum().backward()
    assert values.grad is not None
    assert values.grad[mask].ne(0).any(dim=-1).all()
    assert values.grad[~mask].eq(0).all()


def test_empty_row_is_zero_and_others_do_not_notice() -> None:
    recurrence = Recurrent(4, 6, layers=2)
    values = torch.full((2, 5, 4), float("nan"))
    values[0] = torch.randn(5, 4)
    mask = torch.tensor([[True] * 5, [False] * 5])
    result = recurrence(values, mask)
    assert result.outputs[1].eq(0).all() and result.final[1].eq(0).all()
    torch.testing.assert_close(result.outputs[:1], recurrence(values[:1], mask[:1]).outputs)


@pytest.mark.parametrize(("merge", "size"), [("concat", 12), ("mean", 6), ("sum", 6)])
def test_merges(merge: str, size: int) -> None:
    recurrence = Recurrent(4, 6, merge=merge)
    values, mask = torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool)
    outputs = recurrence(values, mask).outputs
    ahead = recurrence.forwards[0](values)[0]
    behind = recurrence.backwards[0](values.flip(1))[0].flip(1)
    expected = {
        "concat": torch.cat([ahead, behind], -1),
        "mean": (ahead + behind) / 2,
        "sum": ahead + behind,
    }[merge]
    assert recurrence.output_size == size
    torch.testing.assert_close(outputs, expected)


def test_orthogonal_start() -> None:
    recurrence = Recurrent(4, 6, bidirectional=False)
    orthogonal(recurrence)
    gate = recurrence.forwards[0].weight_hh_l0[6:12]
    torch.testing.assert_close(gate @ gate.T, torch.eye(6), atol=1e-5, rtol=0)
    assert recurrence.forwards[0].bias_ih_l0.eq(0).all()


def test_gates_that_start_open() -> None:
    """The biases of reset and update, once: torch's GRU has two of each."""
    recurrence = Recurrent(4, 6, layers=2)
    orthogonal(recurrence, gate_bias=1.0)
    for cell in [*recurrence.forwards, *recurrence.backwards]:
        assert (
            cell.bias_ih_l0[:12].eq(1).all()
            and cell.bias_ih_l0[12:].eq(0).all()
            and cell.bias_hh_l0.eq(0).all()
        )
    with pytest.raises(MmserError, match="a GRU for gate_bias; found LSTM"):
        orthogonal(Recurrent(4, 6, cell="lstm"), gate_bias=1.0)
