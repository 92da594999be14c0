"""The real steps of each row moved to the front, and back; rows reversed inside their length."""

import torch

from mmser.models.layers.masks.order import compact_order, reversal, rows_at

MASK = torch.tensor([[False, True, False, True], [True, True, True, False], [False] * 4])


def test_real_steps_move_to_the_front_in_order_and_back():
    values = torch.arange(12.0).reshape(3, 4, 1)
    order, inverse = compact_order(MASK)
    compact = rows_at(values, order)
    assert compact[0, :2].flatten().tolist() == [1, 3]
    assert compact[1, :3].flatten().tolist() == [4, 5, 6]
    assert torch.equal(rows_at(compact, inverse), values)


def test_a_row_is_reversed_inside_its_length():
    index = reversal(MASK.sum(dim=1), 4)
    assert index.tolist() == [[1, 0, 2, 3], [2, 1, 0, 3], [0, 1, 2, 3]]
    assert torch.equal(index.gather(1, index), torch.arange(4).expand(3, 4))
