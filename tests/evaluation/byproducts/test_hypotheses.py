"""A recogniser over a loader; what it spells; error rates by hand."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mmser.core.batch import Batch, Outputs, Stream, empty_context
from mmser.core.errors import MmserError
from mmser.core.task import Task
from mmser.evaluation.byproducts.hypotheses import error_rates, find_recogniser, recognise, spell
from mmser.objectives.losses.ctc import CTC

ALPHABET = " ab"


class Echo(nn.Module):
    """Frames that spell the audio stream's own numbers."""

    def forward(self, streams, context, need_attention=False):
        audio = streams["audio"]
        frames = Stream(F.one_hot(audio.filled().long(), 4).float(), audio.mask)
        return Outputs(frames.filled().mean(1), encoded={"audio": frames})


def recogniser() -> CTC:
    ours = CTC(Task(("x",)), 4, symbols=4)
    nn.init.eye_(ours.output.weight)
    nn.init.zeros_(ours.output.bias)
    return ours


def test_what_was_understood_is_spelt_beside_the_transcript() -> None:
    audio = Stream(
        torch.tensor([[2, 2, 0, 1, 3, 0], [3, 0, 3, 9, 9, 9]]),
        torch.tensor([[True] * 6, [True] * 3 + [False] * 3]),
    )
    spoken = Stream(
        torch.tensor([[2, 1, 3], [3, 9, 9]]), torch.tensor([[True] * 3, [True, False, False]])
    )
    batch = Batch(("u", "v"), {"audio": audio}, empty_context(2), traces={"characters": spoken})
    table = recognise(Echo(), recogniser().eval(), [batch], ALPHABET)
    assert table.to_dict("list") == {
        "id": ["u", "v"],
        "transcript": ["a b", "b"],
        "hypothesis": ["a b", "bb"],
    }


def test_numbers_beyond_the_alphabet_are_no_characters() -> None:
    assert spell([1, 2, 0, 7, 3, 1, 1, 2], ALPHABET) == "ab a"


def test_error_rates_are_pooled_over_words_and_averaged_over_folds() -> None:
    table = pd.DataFrame(
        {
            "id": ["u", "v"],
            "fold": ["f1", "f2"],
            "seed": [0, 0],
            "transcript": ["one two three four", "five"],
            "hypothesis": ["one two three four", "six"],
        }
    )
    rates = error_rates(table).set_index("over")["wer"].to_dict()
    assert rates == {"pooled": 0.2, "mean of folds": 0.5, "f1 seed 0": 0.0, "f2 seed 0": 1.0}
    table["transcript"], table["hypothesis"] = ["one cat", "five"], ["1 cat", "5"]
    assert error_rates(table)["wer"].tolist()[0] == pytest.approx(2 / 3)
    assert error_rates(table, "whisper")["wer"].tolist()[0] == 0.0
    assert set(error_rates(table, "whisper")["normaliser"]) == {"whisper"}


def test_an_objective_without_ctc_is_told() -> None:
    inner = recogniser()
    assert find_recogniser(nn.ModuleList([nn.Linear(2, 2), inner])) is inner
    with pytest.raises(MmserError, match="a run trained with CTC; found the objective Linear"):
        find_recogniser(nn.Linear(2, 2))
