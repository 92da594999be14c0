"""A conversation's mean counts once, however long it is."""

from __future__ import annotations

import pytest
import torch

from mmser.objectives.terms.conversation_mean import averaged


def test_a_short_conversation_weighs_as_much_as_a_long_one() -> None:
    """One utterance with loss 1 and nine with loss 0: 0.5, not 0.1."""
    losses, dialogue = torch.tensor([1.0] + [0.0] * 9), torch.tensor([4] + [2] * 9)
    counted = torch.ones(10, dtype=torch.bool)
    assert averaged(losses, counted, dialogue, "conversations") == pytest.approx(0.5)
    assert averaged(losses, counted, dialogue, "utterances") == pytest.approx(0.1)
