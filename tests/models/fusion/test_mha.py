"""MHA by hand."""

from __future__ import annotations

import pytest
import torch
from makers.fusion_streams import LENGTHS, padded_streams

from mmser.core.batch import Stream, empty_context
from mmser.core.errors import MmserError
from mmser.models.fusion.mha import MHA


def test_two_hops_by_hand() -> None:
    """The last state of the audio asks the text; what the text answers asks the audio."""
    sizes = {"audio": 4, "text": 4}
    given = padded_streams(sizes)
    out = MHA(sizes)(given, empty_context(2), need_attention=True)
    for row in range(2):
        audio, text = (given[n].values[row, : LENGTHS[n][row]] for n in ("audio", "text"))
        first = (text @ audio[-1]).softmax(dim=0)
        second = (audio @ (first @ text)).softmax(dim=0)
        torch.testing.assert_close(out.vector[row], torch.cat([second @ audio, first @ text]))
        torch.testing.assert_close(out.attention["hop1_text"][row, : len(text)], first)
        torch.testing.assert_close(out.attention["hop2_audio"][row, : len(audio)], second)


def test_hops_go_round_and_sizes_are_bridged() -> None:
    made = MHA({"audio": 4, "text": 3, "face": 4}, hops=4)
    assert made.visits == ("text", "audio", "face", "text")
    assert made.asking[:4] == ("face", "text", "audio", "face")
    bridged = [getattr(question, "weight", torch.empty(0)).shape for question in made.questions]
    assert bridged == [(3, 4), (4, 3), (0,), (3, 4)]
    assert made(
        padded_streams({"audio": 4, "text": 3, "face": 4}), empty_context(2)
    ).vector.shape == (
        2,
        11,
    )


def test_mha_edges() -> None:
    sizes = {"audio": 4, "text": 4}
    given = padded_streams(sizes)
    assert torch.equal(
        MHA(sizes, hops=0)(given, empty_context(2)).vector[0, :4], given["audio"].values[0, 5]
    )
    assert MHA({"text": 4}).visits == ("text", "text")
    gone = Stream(given["text"].values, torch.zeros_like(given["text"].mask))
    vector = MHA(sizes)({**given, "text": gone}, empty_context(2)).vector
    # Asked by silence, the audio is averaged.
    torch.testing.assert_close(
        vector[0], torch.cat([given["audio"].values[0].mean(dim=0), torch.zeros(4)])
    )
    with pytest.raises(MmserError, match="number of hops of 0 or more; found -1"):
        MHA(sizes, hops=-1)
