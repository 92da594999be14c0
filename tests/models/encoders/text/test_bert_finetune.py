"""The fine-tunable BERT against transformers' own, one text at a time; freezing."""

import pytest
import torch

from mmser.core.batch import Stream
from mmser.core.errors import MmserError
from mmser.models.encoders.text.bert_finetune import BertFinetune

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def encoder(**options: object) -> BertFinetune:
    torch.manual_seed(0)
    return BertFinetune(50, weights="random", configuration=SMALL, **options).eval()  # type: ignore[arg-type]


def test_a_row_in_a_batch_equals_transformers_alone() -> None:
    ours = encoder()
    ids = torch.randint(1, 50, (2, 9))
    mask = torch.arange(9) < torch.tensor([9, 4])[:, None]
    out = ours(Stream(ids.masked_fill(~mask, 10**6), mask))
    for row, length in enumerate([9, 4]):
        alone = ours.network(ids[row : row + 1, :length]).last_hidden_state
        torch.testing.assert_close(out.values[row : row + 1, :length], alone, atol=1e-5, rtol=1e-4)
    assert out.values[~mask].eq(0).all()


def test_more_sub_words_than_positions_are_told() -> None:
    ours = BertFinetune(
        50, weights="random", configuration=SMALL | {"max_position_embeddings": 6}
    ).eval()
    ids, mask = torch.ones(2, 9, dtype=torch.long), torch.arange(9) < torch.tensor([6, 3])[:, None]
    assert ours(Stream(ids, mask)).values.isfinite().all()
    with pytest.raises(
        MmserError, match=r"at most 6 sub-words.*found 9\. Set extractor\.NAME\.limit=6"
    ):
        ours(Stream(ids, torch.ones_like(mask)))


def test_frozen_parts_do_not_learn() -> None:
    ours = encoder(frozen_layers=1, freeze_embeddings=True)
    ours(
        Stream(torch.randint(1, 50, (2, 5)), torch.ones(2, 5, dtype=torch.bool))
    ).values.square().sum().backward()
    learning = {
        name for name, parameter in ours.network.named_parameters() if parameter.grad is not None
    }
    assert learning and all(name.startswith("encoder.layer.1.") for name in learning)
