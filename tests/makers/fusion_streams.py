"""Streams of two rows with NaN in their padding, for fusions that are worked out by hand."""

from __future__ import annotations

import torch

from mmser.core.batch import Stream

LENGTHS = {"audio": [6, 4], "text": [3, 5], "face": [2, 2]}
ONE_STEP_SIZES = {"audio": 2, "text": 3, "face": 4}


def padded_streams(sizes: dict[str, int]) -> dict[str, Stream]:
    """Random values; rows of `LENGTHS` steps."""
    generator = torch.Generator().manual_seed(1)
    made = {}
    for name, size in sizes.items():
        mask = torch.arange(max(LENGTHS[name])) < torch.tensor(LENGTHS[name])[:, None]
        values = torch.randn(2, mask.shape[1], size, generator=generator)
        made[name] = Stream(values.masked_fill(~mask[..., None], float("nan")), mask)
    return made


def one_step_streams() -> dict[str, Stream]:
    """One step per stream; the text of row 1 is absent."""
    generator = torch.Generator().manual_seed(1)
    made = {}
    for name, size in ONE_STEP_SIZES.items():
        mask = torch.tensor([[True], [name != "text"]])
        values = torch.randn(2, 1, size, generator=generator)
        made[name] = Stream(values.masked_fill(~mask[..., None], float("nan")), mask)
    return made


def extended(streams: dict[str, Stream], row: int) -> list[torch.Tensor]:
    """[1 ; z] of each stream, [1 ; 0] where it is absent."""
    return [torch.cat([torch.ones(1), stream.filled()[row, 0]]) for stream in streams.values()]


def plain_streams() -> dict[str, Stream]:
    """Audio of whole numbers, two steps and one; text of one step, absent in row 1."""
    audio = torch.tensor([[[1.0], [3.0]], [[5.0], [float("nan")]]])
    text = torch.full((2, 1, 2), float("nan"))
    text[0] = 7.0
    return {
        "audio": Stream(audio, torch.tensor([[True, True], [True, False]])),
        "text": Stream(text, torch.tensor([[True], [False]])),
    }
