"""Each check of the contract fails on an encoder that breaks it, and on that one only where it
should.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from contract import test_contract as contract
from makers.contract_subjects import FEATURES, FRAMES, StreamShape, Subject
from torch import nn

from mmser.core.batch import Stream


class Linear(nn.Module):
    """An encoder that keeps the contract; the ones below break it in one way each."""

    def __init__(self) -> None:
        super().__init__()
        self.output_size = 4
        self.layer = nn.Linear(FEATURES, 4)

    def forward(self, stream: Stream) -> Stream:
        return Stream(self.layer(stream.filled()), stream.mask)


class ReadsPadding(Linear):
    def forward(self, stream: Stream) -> Stream:
        return Stream(
            self.layer(stream.values) + stream.values.mean(dim=(1, 2), keepdim=True), stream.mask
        )


class CountsPadding(Linear):
    def forward(self, stream: Stream) -> Stream:
        return Stream(self.layer(stream.filled()) + stream.mask.shape[1], stream.mask)


class ReadsCompanions(Linear):
    def forward(self, stream: Stream) -> Stream:
        hidden = self.layer(stream.filled())
        return Stream(hidden - hidden.mean(dim=0, keepdim=True), stream.mask)


class DividesByLength(Linear):
    def forward(self, stream: Stream) -> Stream:
        mean = self.layer(stream.filled()).sum(dim=1) / stream.lengths[:, None]
        return Stream(mean[:, None], torch.ones_like(stream.mask[:, :1]))


class Idles(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.idle = nn.Linear(2, 2)


class Doubles(Linear):
    def forward(self, stream: Stream) -> Stream:
        return Stream(self.layer(stream.filled()).double(), stream.mask)


class Dices(Linear):
    def forward(self, stream: Stream) -> Stream:
        return Stream(nn.functional.dropout(self.layer(stream.filled())), stream.mask)


class Forgets(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.scale = float(torch.rand(()))

    def forward(self, stream: Stream) -> Stream:
        return Stream(self.layer(stream.filled()) * self.scale, stream.mask)


class Ignores(Linear):
    def forward(self, stream: Stream) -> Stream:
        return Stream(self.layer(torch.ones_like(stream.values)), stream.mask)


def case(encoder: type[Linear]) -> Subject:
    shapes = {"stream": StreamShape("features", FEATURES, FRAMES)}
    return Subject(encoder.__name__, shapes, lambda _: encoder(), is_encoder=True)


CHECKS: list[Callable[..., None]] = [
    contract.test_shape_and_type,
    contract.test_padding_content_and_amount_change_nothing,
    contract.test_absent_modality_is_finite_and_ignored,
    contract.test_every_stream_matters,
    contract.test_companions_and_order_change_nothing,
    contract.test_every_trainable_parameter_gets_a_finite_gradient,
    contract.test_deterministic,
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_sound_encoder_passes(check: Callable[..., None]) -> None:
    check(case(Linear))


@pytest.mark.parametrize(
    ("encoder", "check"),
    [
        (Doubles, contract.test_shape_and_type),
        (ReadsPadding, contract.test_padding_content_and_amount_change_nothing),
        (CountsPadding, contract.test_padding_content_and_amount_change_nothing),
        (DividesByLength, contract.test_absent_modality_is_finite_and_ignored),
        (Ignores, contract.test_every_stream_matters),
        (ReadsCompanions, contract.test_companions_and_order_change_nothing),
        (Idles, contract.test_every_trainable_parameter_gets_a_finite_gradient),
        (Dices, contract.test_deterministic),
    ],
)
def test_a_broken_encoder_fails(encoder: type[Linear], check: Callable[..., None]) -> None:
    with pytest.raises(AssertionError):
        check(case(encoder))


def test_what_is_not_saved_is_noticed(tmp_path: Path) -> None:
    contract.test_save_and_load_agree(case(Linear), tmp_path)
    with pytest.raises(AssertionError):
        contract.test_save_and_load_agree(case(Forgets), tmp_path)
