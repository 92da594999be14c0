"""BERT-GRU: published sizes, which layers are read, overfitting."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmser.core.batch import Stream
from mmser.models.encoders.text.bert_gru import BertGRU

TINY = {
    "vocab_size": 50,
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}


def tiny(**options: object) -> BertGRU:
    torch.manual_seed(0)
    return BertGRU(1, "random", configuration=TINY, layers=2, hidden_size=6, **options)  # type: ignore[arg-type]


def sentences(*lengths: int) -> Stream:
    torch.manual_seed(1)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return Stream(torch.randint(3, 50, mask.shape).masked_fill(~mask, 10**6), mask)


def test_published_sizes() -> None:
    """bert-base-cased without its pooler, and the GRU over 3072."""
    with torch.device("meta"):
        made = BertGRU(1, "random", configuration={"vocab_size": 28996})
    sizes = [
        sum(p.numel() for p in part.parameters())
        for part in (made.network, made.recurrence, made.projection)
    ]
    assert sizes == [108_310_272 - 768 * 769, 2_085_600, 20_100]
    assert made.recurrence.forwards[0].input_size == 3072


def test_the_last_layers_are_read_and_the_last_states_come_out() -> None:
    made, given = tiny(output_size=None).eval(), sentences(6, 3)
    found = made(given)
    assert found.values.shape == (2, 1, 12) and found.mask.all()
    ids = given.values[1:, :3]
    hidden = made.network(ids, output_hidden_states=True).hidden_states
    states = torch.cat([hidden[2], hidden[3]], dim=-1)
    expected = made.recurrence(states, torch.ones(1, 3, dtype=torch.bool)).final
    torch.testing.assert_close(found.values[1], expected)


def test_the_last_states_are_dropped_out_in_training() -> None:
    made, given = tiny(output_size=None, dropout=0.0, final_dropout=0.5), sentences(6, 3)
    made.network.eval()
    kept = made.eval()(given).values
    made.recurrence.train(), made.final_dropout.train()
    dropped = made(given).values
    torch.testing.assert_close(dropped[dropped != 0], 2 * kept[dropped != 0])
    assert 4 <= int((dropped == 0).sum()) <= 20


def test_frozen_bert_does_not_learn_and_chunks_are_the_whole() -> None:
    made, given = tiny(frozen=True, rows_at_once=2).eval(), sentences(6, 3, 1, 5, 4)
    assert not any(p.requires_grad for p in made.network.parameters())
    assert all(p.requires_grad for p in made.recurrence.parameters())
    torch.testing.assert_close(
        made(given).values, tiny(frozen=True).eval()(given).values, atol=1e-5, rtol=1e-4
    )


def test_eight_sentences_are_learnt_by_heart() -> None:
    made, head = tiny(dropout=0.0).eval(), nn.Linear(100, 4)
    given, target = sentences(*[5] * 8), torch.arange(8) % 4
    optimizer = torch.optim.Adam([*made.parameters(), *head.parameters()], lr=1e-2)
    for _ in range(150):
        logits = head(made(given).values[:, 0])
        if logits.argmax(dim=1).equal(target):
            return
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, target).backward()
        optimizer.step()
    pytest.fail("not learnt within 150 steps")
